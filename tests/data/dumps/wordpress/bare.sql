INSERT INTO wp_comments VALUES
(1,5,'سلمى','salma@mail.example','','192.0.2.1','2024-05-01 13:00:00','2024-05-01 10:00:00','السلام عليكم، شكرا على المقال',0,'1','Mozilla/5.0 (X11; Linux)','comment',0,0),
(2,5,'Bob \"Deals\" O\'Hara','bob@mail.example','https://watches.example/?a=1&b=2','2001:db8::2','2024-05-01 13:10:00','2024-05-01 10:10:00','Cheap; watches: <a href=\"https://watches.example/?a=1&amp;b=2\">buy</a>, 50% off',0,'spam','bot','comment',0,0),
(3,5,'Ann','ann@mail.example','','192.0.2.3','2024-05-02 13:00:00','2024-05-02 10:00:00','It\'s a \"good\" point;\r\n\"C:\\new\\table\",	100%\n\n-- not a comment; /* nor this */',0,'1','Mozilla/5.0','',1,7),
(4,5,'Cy','cy@mail.example','','192.0.2.4','2024-05-02 14:00:00','2024-05-02 11:00:00','is this thing on?',0,'0','Mozilla/5.0','comment',0,0),
(5,5,'Di','di@mail.example','','192.0.2.5','2024-05-02 15:00:00','2024-05-02 12:00:00','thrown away',0,'trash','Mozilla/5.0','comment',0,0),
(6,8,'A blog','','https://blog.example/post','192.0.2.6','2024-05-03 13:00:00','2024-05-03 10:00:00','[&#8230;] what they wrote <b>there</b> [&#8230;]',0,'1','WordPress/6.5','pingback',0,0),
(7,8,'رابح','win@casino.example','https://casino.example/','192.0.2.7','2024-05-03 14:00:00','2024-05-03 11:00:00','اربح المال الآن https://casino.example/ فرصة لا تعوض',0,'spam','Mozilla/5.0','comment',0,0);