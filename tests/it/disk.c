/* A disk that is slow or refuses, for the program before which it is loaded (LD_PRELOAD): what is written to files named
   hamlet.db* waits and fails as the file $DISK_MOOD says: milliseconds, and an errno or 0. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* 0 when the call is to go on, else -1 with errno set. */
static int mood(int fd) {
    char link[64], path[4096], text[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    const char *file = getenv("DISK_MOOD");
    if (length <= 0 || !file) return 0;
    path[length] = 0;
    if (!strstr(path, "/hamlet.db")) return 0;
    int at = open(file, O_RDONLY | O_CLOEXEC);
    if (at < 0) return 0;
    ssize_t got = read(at, text, sizeof text - 1);
    close(at);
    text[got > 0 ? got : 0] = 0;
    long wait = 0;
    int error = 0;
    sscanf(text, "%ld %d", &wait, &error);
    struct timespec rest = {wait / 1000, wait % 1000 * 1000000};
    if (wait > 0) nanosleep(&rest, NULL);
    errno = error;
    return error ? -1 : 0;
}

#define BEFORE(result, name, parameters, ...)                             \
    result name parameters {                                              \
        static result (*real) parameters;                                 \
        if (!real) real = (result (*) parameters)dlsym(RTLD_NEXT, #name); \
        return mood(fd) ? -1 : real(__VA_ARGS__);                         \
    }

BEFORE(ssize_t, write, (int fd, const void *bytes, size_t count), fd, bytes, count)
BEFORE(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), fd, bytes, count, at)
BEFORE(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), fd, bytes, count, at)
BEFORE(int, ftruncate, (int fd, off_t length), fd, length)
BEFORE(int, ftruncate64, (int fd, off64_t length), fd, length)
BEFORE(int, fsync, (int fd), fd)
BEFORE(int, fdatasync, (int fd), fd)
