<!DOCTYPE html>
<html>
<head><?php wp_head(); ?></head>
<body>
<?php
while ( have_posts() ) {
    the_post();
    the_title( '<h1>', '</h1>' );
    comments_template();
}
wp_footer();
?>
</body>
</html>
