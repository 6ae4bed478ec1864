-- phpMyAdmin SQL Dump
-- version 5.2.1
SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
START TRANSACTION;

DROP TABLE IF EXISTS `wp_comments`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `wp_comments` (
  `comment_ID` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_post_ID` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_author` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_author_email` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_author_url` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_author_IP` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_date` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_date_gmt` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_content` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_karma` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_approved` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_agent` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_type` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_parent` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `user_id` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  PRIMARY KEY (`comment_ID`),
  KEY `x` (`comment_post_ID`,`comment_author`(10))
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `wp_comments`
--

INSERT INTO `wp_comments` (`comment_ID`, `comment_post_ID`, `comment_author`, `comment_author_email`, `comment_author_url`, `comment_author_IP`, `comment_date`, `comment_date_gmt`, `comment_content`, `comment_karma`, `comment_approved`, `comment_agent`, `comment_type`, `comment_parent`, `user_id`) VALUES
(1, 5, 'سلمى', 'salma@mail.example', '', '192.0.2.1', '2024-05-01 13:00:00', '2024-05-01 10:00:00', 'السلام عليكم، شكرا على المقال', 0, '1', 'Mozilla/5.0 (X11; Linux)', 'comment', 0, 0),
(2, 5, 'Bob \"Deals\" O''Hara', 'bob@mail.example', 'https://watches.example/?a=1&b=2', '2001:db8::2', '2024-05-01 13:10:00', '2024-05-01 10:10:00', 'Cheap; watches: <a href=\"https://watches.example/?a=1&amp;b=2\">buy</a>, 50% off', 0, 'spam', 'bot', 'comment', 0, 0),
(3, 5, 'Ann', 'ann@mail.example', '', '192.0.2.3', '2024-05-02 13:00:00', '2024-05-02 10:00:00', 'It''s a \"good\" point;\r\n\"C:\\new\\table\",	100%\n\n-- not a comment; /* nor this */', 0, '1', 'Mozilla/5.0', '', 1, 7),
(4, 5, 'Cy', 'cy@mail.example', '', '192.0.2.4', '2024-05-02 14:00:00', '2024-05-02 11:00:00', 'is this thing on?', 0, '0', 'Mozilla/5.0', 'comment', 0, 0),
(5, 5, 'Di', 'di@mail.example', '', '192.0.2.5', '2024-05-02 15:00:00', '2024-05-02 12:00:00', 'thrown away', 0, 'trash', 'Mozilla/5.0', 'comment', 0, 0),
(6, 8, 'A blog', '', 'https://blog.example/post', '192.0.2.6', '2024-05-03 13:00:00', '2024-05-03 10:00:00', '[&#8230;] what they wrote <b>there</b> [&#8230;]', 0, '1', 'WordPress/6.5', 'pingback', 0, 0),
(7, 8, 'رابح', 'win@casino.example', 'https://casino.example/', '192.0.2.7', '2024-05-03 14:00:00', '2024-05-03 11:00:00', 'اربح المال الآن https://casino.example/ فرصة لا تعوض', 0, 'spam', 'Mozilla/5.0', 'comment', 0, 0);
COMMIT;
