<?php
/**
 * Plugin Name: Witness
 * Description: For the test: notes each mail and each request that leaves WordPress, and lets neither reach the world.
 */

function witness( $what, $detail ) {
    file_put_contents( ABSPATH . 'witness.jsonl', json_encode( array( $what => $detail ) ) . "\n", FILE_APPEND | LOCK_EX );
}

add_filter(
    'pre_wp_mail',
    function ( $sent, $mail ) {
        witness( 'mail', array( 'to' => $mail['to'], 'subject' => $mail['subject'] ) );
        return true;
    },
    10,
    2
);

// After everyone else: what nobody has answered by now would leave for the network.
add_filter(
    'pre_http_request',
    function ( $answer, $args, $url ) {
        if ( false !== $answer ) {
            return $answer;
        }
        witness( 'request', $url );
        $is_here = '127.0.0.1' === wp_parse_url( $url, PHP_URL_HOST );
        return $is_here ? false : new WP_Error( 'http_request_failed', 'There is no network in this test.' );
    },
    1000,
    3
);
