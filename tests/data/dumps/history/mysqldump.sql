-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
--
-- Host: localhost    Database: news's
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;

DROP TABLE IF EXISTS `wp_commentmeta`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `wp_commentmeta` (
  `meta_id` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `comment_id` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `meta_key` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `meta_value` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  PRIMARY KEY (`meta_id`),
  KEY `x` (`comment_id`,`meta_key`(10))
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

INSERT INTO `wp_commentmeta` VALUES (1,4,'akismet_result','true'),(2,5,'akismet_user_result','true'),(3,4,'akismet_history','a:3:{s:4:\"time\";d:1714644000.5;s:5:\"event\";s:10:\"report-ham\";s:4:\"user\";s:5:\"admin\";}'),(4,2,'akismet_result','true'),(5,1,'other','x'),(6,1,'akismet_result','false');
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

INSERT INTO `wp_comments` VALUES (1,5,'سلمى','salma@mail.example','','192.0.2.1','2024-05-01 13:00:00','2024-05-01 10:00:00','السلام عليكم، شكرا على المقال',0,'1','Mozilla/5.0 (X11; Linux)','comment',0,0),(2,5,'Bob \"Deals\" O\'Hara','bob@mail.example','https://watches.example/?a=1&b=2','2001:db8::2','2024-05-01 13:10:00','2024-05-01 10:10:00','Cheap; watches: <a href=\"https://watches.example/?a=1&amp;b=2\">buy</a>, 50% off',0,'spam','bot','comment',0,0),(3,5,'Ann','ann@mail.example','','192.0.2.3','2024-05-02 13:00:00','2024-05-02 10:00:00','It\'s a \"good\" point;\r\n\"C:\\new\\table\",	100%\n\n-- not a comment; /* nor this */',0,'1','Mozilla/5.0','',1,7),(4,5,'Cy','cy@mail.example','','192.0.2.4','2024-05-02 14:00:00','2024-05-02 11:00:00','is this thing on?',0,'0','Mozilla/5.0','comment',0,0),(5,5,'Di','di@mail.example','','192.0.2.5','2024-05-02 15:00:00','2024-05-02 12:00:00','thrown away',0,'trash','Mozilla/5.0','comment',0,0),(6,8,'A blog','','https://blog.example/post','192.0.2.6','2024-05-03 13:00:00','2024-05-03 10:00:00','[&#8230;] what they wrote <b>there</b> [&#8230;]',0,'1','WordPress/6.5','pingback',0,0),(7,8,'رابح','win@casino.example','https://casino.example/','192.0.2.7','2024-05-03 14:00:00','2024-05-03 11:00:00','اربح المال الآن https://casino.example/ فرصة لا تعوض',0,'spam','Mozilla/5.0','comment',0,0);
DROP TABLE IF EXISTS `wp_posts`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
CREATE TABLE `wp_posts` (
  `ID` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `post_author` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  `post_content` varchar(255) COLLATE utf8mb4_unicode_520_ci NOT NULL DEFAULT '' COMMENT 'it''s (a) column, really',
  PRIMARY KEY (`ID`),
  KEY `x` (`post_author`,`post_content`(10))
) ENGINE=InnoDB AUTO_INCREMENT=8 DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `wp_posts` WRITE;
INSERT INTO `wp_posts` VALUES (5,1,'It\'s; INSERT INTO `wp_comments` VALUES (9,\'no\');\n-- no'),(8,1,'B ''x''');
UNLOCK TABLES;
