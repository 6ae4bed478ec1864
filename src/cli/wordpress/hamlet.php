<?php
/**
 * Plugin Name: Hamlet for Akismet
 * Description: Has the Akismet plugin ask this site's own Hamlet daemon, and lets people moderate on both sides.
 * Version: {{version}}
 * Requires PHP: 7.4
 * License: MIT OR Apache-2.0
 *
 * Written by `hamlet site wordpress` for the site {{site}}. It belongs in wp-content/mu-plugins/ and holds an API key,
 * so keep it out of public repositories. Delete the file, and Akismet is as it was.
 *
 * What it does, in the order of the code:
 *   1. gives the Akismet plugin the key, and sends its calls to the daemon instead of rest.akismet.com;
 *   2. holds comments when the daemon cannot be asked, where newer plugins would publish them;
 *   3. puts a comment that Hamlet holds among the pending ones, and has its moderators told at once;
 *   4. keeps it there when the Akismet plugin checks it again;
 *   5. lets a decision made in Hamlet release the comment or bin it, unless a person in WordPress was first;
 *   6. tells Hamlet what people in WordPress decide;
 *   7. keeps browsers in wp-admin from asking Akismet's servers.
 *
 * When in doubt it does nothing: then a comment stays where the Akismet plugin put it, which for one that Hamlet holds
 * is the spam folder, or pending.
 */

defined( 'ABSPATH' ) || exit;

final class Hamlet_For_Akismet {
    const DAEMON = '{{url}}';
    const KEY    = '{{key}}';

    // What is kept with a comment: by what ids Hamlet knows it (the newest last), what it last decided, and who gave
    // the comment its present status, if that was a person.
    const GUID     = 'hamlet_guid';
    const DECISION = 'hamlet_decision';
    const PERSON   = 'hamlet_person';

    /** A call to the daemon is under way, and is not to be caught again. */
    private static $is_calling = false;
    /** A visitor's comment is being checked, not a contact form and not a stored comment. */
    private static $is_new = false;
    /** The daemon's answer to that check: guid and decision. */
    private static $answer = null;
    /** What others thought of that comment before the Akismet plugin spoke. */
    private static $approved_before = null;
    /** The stored comment that is being checked again is not to be published. */
    private static $is_held_again = false;

    public static function start() {
        defined( 'WPCOM_API_KEY' ) || define( 'WPCOM_API_KEY', self::KEY );
        add_filter( 'akismet_get_api_key', array( __CLASS__, 'key' ), 1000 );
        add_filter( 'akismet_predefined_api_key', '__return_true' );
        add_filter( 'pre_http_request', array( __CLASS__, 'route' ), 10, 3 );

        // The Akismet plugin checks at priority 1.
        add_filter( 'preprocess_comment', array( __CLASS__, 'before_check' ), 0 );
        add_filter( 'preprocess_comment', array( __CLASS__, 'after_check' ), 2 );
        add_filter( 'rest_pre_insert_comment', array( __CLASS__, 'before_check' ), 0 );
        add_filter( 'rest_pre_insert_comment', array( __CLASS__, 'after_rest_check' ), 2 );

        // It says what it found at priority 10, here and when the comment is stored.
        add_filter( 'pre_comment_approved', array( __CLASS__, 'before_verdict' ), 9 );
        add_filter( 'pre_comment_approved', array( __CLASS__, 'hold' ), 11, 2 );
        add_action( 'wp_insert_comment', array( __CLASS__, 'wait_for_people' ), 11, 2 );
        add_filter( 'pre_option_comment_moderation', array( __CLASS__, 'hold_again' ) );

        add_action( 'rest_api_init', array( __CLASS__, 'open_route' ) );
        add_filter( 'rest_request_after_callbacks', array( __CLASS__, 'after_plugin_was_called_back' ), 10, 3 );
        add_action( 'transition_comment_status', array( __CLASS__, 'note_person' ), 11, 3 );

        add_filter( 'akismet_enable_mshots', '__return_false' );
        add_filter( 'akismet_show_compatible_plugins', '__return_false' );
        add_filter( 'akismet_comment_form_privacy_notice', array( __CLASS__, 'no_notice' ) );
        add_action( 'load-settings_page_akismet-key-config', array( __CLASS__, 'leave_frames_out' ) );
        add_action( 'load-jetpack_page_akismet-key-config', array( __CLASS__, 'leave_frames_out' ) );
    }

    // ---- 1. The road to the daemon ----------------------------------------------------------------------------------

    public static function key() {
        return self::KEY;
    }

    /**
     * Answers a request to Akismet's servers with the daemon's answer.
     *
     * The host name is looked for in the header too: the plugin may call a server by its address. Very old plugins
     * carry the key in that name; it goes into the form, so that a reverse proxy may go by the daemon's own name.
     */
    public static function route( $preempt, $args, $url ) {
        if ( false !== $preempt || self::$is_calling ) {
            return $preempt;
        }
        $headers = $args['headers'];
        $headers = is_array( $headers ) ? $headers : WP_Http::processHeaders( $headers )['headers'];
        $headers = array_change_key_case( $headers );
        $host    = (string) wp_parse_url( $url, PHP_URL_HOST );
        $akismet = '/^(?:([0-9a-z]+)\.)?rest\.akismet\.com(?::\d+)?$/i';
        if ( ! preg_match( $akismet, $headers['host'] ?? '', $found ) && ! preg_match( $akismet, $host, $found ) ) {
            return false;
        }
        unset( $headers['host'] );
        $args['headers']            = $headers;
        $args['reject_unsafe_urls'] = false; // The daemon is often on this very host.
        if ( isset( $found[1] ) ) {
            $args['body'] = self::with_field( $args['body'], 'api_key', $found[1] );
        }

        $path  = (string) wp_parse_url( $url, PHP_URL_PATH );
        $query = (string) wp_parse_url( $url, PHP_URL_QUERY );
        $call  = basename( $path );
        $known = absint( self::field( $args['body'], 'comment_ID' ) );
        if ( 'comment-check' === $call && ( self::$is_new || $known ) ) {
            // Plugins before 5.5 name no call-back. To `hamlet_callback` the daemon's answer stays theirs: `true`.
            if ( '' === self::field( $args['body'], 'callback' ) ) {
                $args['body'] = self::with_field( $args['body'], 'hamlet_callback', rest_url( 'hamlet/v1/webhook' ) );
            }
        }
        if ( $known ) {
            $args['body'] = self::with_field( $args['body'], 'guid', self::guid( $known ) );
        }

        self::$is_calling = true;
        try {
            $answer = wp_remote_request( self::DAEMON . $path . ( '' === $query ? '' : "?$query" ), $args );
        } finally {
            self::$is_calling = false;
        }
        if ( 'comment-check' !== $call ) {
            return self::readable( $answer );
        }
        $is_pingback = '' !== self::field( $args['body'], 'akismet_pre_check' );
        return self::note( $answer, $known, self::field( $args['body'], 'recheck_reason' ), $is_pingback );
    }

    /** Answers other than checks: an error is an empty answer, which the plugin shows as "cannot connect". */
    private static function readable( $answer ) {
        if ( is_wp_error( $answer ) ) {
            self::log( $answer->get_error_message() );
            return self::no_answer();
        }
        if ( wp_remote_retrieve_response_code( $answer ) >= 400 ) {
            $answer['body'] = '';
        }
        return $answer;
    }

    /** A field of a form body, which the plugin writes as a string. Empty if it is not there. */
    private static function field( $body, $name ) {
        if ( is_array( $body ) ) {
            return isset( $body[ $name ] ) && is_scalar( $body[ $name ] ) ? (string) $body[ $name ] : '';
        }
        return preg_match( "/(?:^|&)$name=([^&]*)/", (string) $body, $found ) ? urldecode( $found[1] ) : '';
    }

    /** The body with the field, unless it has it already or there is nothing to say. */
    private static function with_field( $body, $name, $value ) {
        if ( '' === $value || '' !== self::field( $body, $name ) ) {
            return $body;
        }
        if ( is_array( $body ) ) {
            return array( $name => $value ) + $body;
        }
        return ( '' === (string) $body ? '' : "$body&" ) . $name . '=' . rawurlencode( $value );
    }

    // ---- 2. No answer -----------------------------------------------------------------------------------------------

    /**
     * The answer to a check, noted. Every answer of the daemon has a guid; what has none is not its own, be it an error
     * of the network or the page of a proxy. Newer plugins would publish the comment then.
     */
    private static function note( $answer, $known, $reason, $is_pingback ) {
        $guid = is_wp_error( $answer ) ? '' : self::header( $answer, 'x-akismet-guid' );
        if ( '' === $guid ) {
            self::log( is_wp_error( $answer ) ? $answer->get_error_message() : 'the answer is not that of the daemon' );
            return self::no_answer();
        }
        $decision = self::header( $answer, 'x-hamlet-decision' );
        if ( self::$is_new ) {
            self::$answer = compact( 'guid', 'decision' );
        } elseif ( $known && '' !== $reason ) {
            $answer = self::note_recheck( $answer, $known, $reason, $guid, $decision );
        } elseif ( $is_pingback && 'hold' === $decision ) {
            $answer['body'] = 'false'; // It would be refused unseen; let it in, it is checked again as a comment.
        }
        return $answer;
    }

    /** Neither `true` nor `false`, with a guid: the plugin holds the comment and checks it again later. */
    private static function no_answer() {
        return array(
            'headers'  => array( 'x-akismet-guid' => bin2hex( random_bytes( 16 ) ) ),
            'body'     => '',
            'response' => array( 'code' => 503, 'message' => 'Service Unavailable' ),
            'cookies'  => array(),
            'filename' => null,
        );
    }

    private static function header( $answer, $name ) {
        $value = wp_remote_retrieve_header( $answer, $name );
        return (string) ( is_array( $value ) ? end( $value ) : $value );
    }

    private static function log( $what ) {
        error_log( 'Hamlet at ' . self::DAEMON . ": $what" );
    }

    // ---- 3. Holding -------------------------------------------------------------------------------------------------

    /** A comment comes in, by the form (an array of its fields), XML-RPC or the REST API. */
    public static function before_check( $comment ) {
        self::$is_new          = true;
        self::$answer          = null;
        self::$approved_before = is_array( $comment ) ? ( $comment['comment_approved'] ?? null ) : null;
        return $comment;
    }

    /** The answer goes along with the comment it is about, to where its status is set, and is stored with it. */
    public static function after_check( $comment ) {
        $answer       = self::$answer;
        self::$is_new = false;
        self::$answer = null;
        if ( ! $answer || ! is_array( $comment ) ) {
            return $comment;
        }
        $meta                   = (array) ( $comment['comment_meta'] ?? array() );
        $meta[ self::GUID ]     = $answer['guid'];
        $meta[ self::DECISION ] = $answer['decision'];
        if ( 'hold' === $answer['decision'] ) {
            // Newer plugins wait for Akismet's own second look before they tell the moderators. People look here.
            unset( $meta['akismet_delay_moderation_email'], $meta['akismet_schedule_email_fallback'] );
        }
        $comment['comment_meta']   = $meta;
        $comment[ self::DECISION ] = $answer['decision'];
        return $comment;
    }

    /** In the REST API the status was set before the check, and the plugin has changed it in place. */
    public static function after_rest_check( $comment ) {
        $comment = self::after_check( $comment );
        if ( is_array( $comment ) && isset( $comment['comment_approved'] ) ) {
            $comment['comment_approved'] = self::hold( $comment['comment_approved'], $comment );
        }
        return $comment;
    }

    public static function before_verdict( $approved ) {
        self::$approved_before = $approved;
        return $approved;
    }

    /** `spam` becomes pending if it was Hamlet's answer that made it so, to this comment, and that answer meant "hold". */
    public static function hold( $approved, $comment ) {
        $is_held = 'hold' === ( $comment[ self::DECISION ] ?? '' );
        return $is_held && 'spam' === $approved && 'spam' !== self::$approved_before ? 0 : $approved;
    }

    /**
     * Newer plugins approve what has waited long enough; what Hamlet holds waits for people. Older ones would tell them
     * that the comment was flagged as spam.
     */
    public static function wait_for_people( $id, $comment ) {
        if ( 'hold' !== get_comment_meta( $id, self::DECISION, true ) ) {
            return;
        }
        wp_clear_scheduled_hook( 'akismet_approval_fallback', array( $id ) );
        wp_clear_scheduled_hook( 'akismet_email_fallback', array( $id ) );
        delete_comment_meta( $id, 'akismet_schedule_approval_fallback' );
        if ( '0' === (string) $comment->comment_approved ) {
            update_comment_meta( $id, 'akismet_result', 'false' );
        }
    }

    // ---- 4. Checked again -------------------------------------------------------------------------------------------

    /**
     * A pending comment was checked again, by the button "Check for Spam" or after an error. A hold would throw it into
     * the spam folder; `false` leaves it pending, provided that WordPress' own rules do not let it pass now.
     */
    private static function note_recheck( $answer, $id, $reason, $guid, $decision ) {
        if ( ! in_array( $guid, get_comment_meta( $id, self::GUID ), true ) ) {
            add_comment_meta( $id, self::GUID, $guid );
        }
        update_comment_meta( $id, self::DECISION, $decision );
        self::$is_held_again = 'hold' === $decision;
        $is_of_queue         = in_array( $reason, array( 'recheck_queue', 'retry' ), true );
        if ( self::$is_held_again && $is_of_queue && 'unapproved' === wp_get_comment_status( $id ) ) {
            $answer['body'] = 'false';
        }
        return $answer;
    }

    /** "Comment must be manually approved" is on for the comment at hand. */
    public static function hold_again( $option ) {
        return self::$is_held_again ? '1' : $option;
    }

    // ---- 5. Called back ---------------------------------------------------------------------------------------------

    public static function open_route() {
        register_rest_route(
            'hamlet/v1',
            '/webhook',
            array(
                'methods'             => 'POST',
                'callback'            => array( __CLASS__, 'called_back' ),
                'permission_callback' => array( __CLASS__, 'is_daemon' ),
            )
        );
    }

    public static function is_daemon( $request ) {
        $key = $request->get_param( 'key' );
        return is_string( $key ) && hash_equals( strtolower( self::KEY ), strtolower( $key ) );
    }

    /** The daemon calls here for plugins that have no route of their own, and about comments that were checked again. */
    public static function called_back( $request ) {
        $answers = array();
        foreach ( self::told( $request ) as $guid => $is_spam ) {
            $id               = self::find( $guid );
            $unknown          = array( 'status' => 'error', 'message' => 'There is no such comment.' );
            $answers[ $guid ] = $id ? self::answer( $id, $is_spam ) : $unknown;
        }
        return array( 'comments' => (object) $answers );
    }

    /**
     * The plugin's own route was called. It releases a comment only if WordPress' rules for first comments and links
     * let it pass; but here a person has read it. It does not know a comment by the guid of a later check. And it does
     * not say whether a person in WordPress was first.
     */
    public static function after_plugin_was_called_back( $response, $handler, $request ) {
        $is_answer = $response instanceof WP_REST_Response && ! $response->is_error();
        if ( '/akismet/v1/webhook' !== $request->get_route() || ! $is_answer ) {
            return $response;
        }
        $data = $response->get_data();
        foreach ( self::told( $request ) as $guid => $is_spam ) {
            $id = self::find( $guid );
            if ( $id ) {
                $data['comments'][ $guid ] = self::answer( $id, $is_spam );
            }
        }
        $response->set_data( $data );
        return $response;
    }

    /** What a call-back says: by guid, whether it is spam. */
    private static function told( $request ) {
        $told     = array();
        $comments = 'comment-check' === $request->get_param( 'endpoint' ) ? $request->get_param( 'comments' ) : null;
        foreach ( is_array( $comments ) ? $comments : array() as $comment ) {
            $guid    = is_array( $comment ) ? ( $comment['guid'] ?? null ) : null;
            $result  = is_array( $comment ) ? ( $comment['result'] ?? null ) : null;
            $is_guid = is_string( $guid ) && preg_match( '/^[0-9a-f]{32}$/', $guid );
            if ( $is_guid && in_array( $result, array( 'true', 'false' ), true ) ) {
                $told[ $guid ] = 'true' === $result;
            }
        }
        return $told;
    }

    /** The comment with this guid, 0 if there is none. */
    private static function find( $guid ) {
        $ids = get_comments(
            array(
                'meta_key'   => self::GUID,
                'meta_value' => $guid,
                'status'     => 'any',
                'fields'     => 'ids',
                'number'     => 2,
            )
        );
        return 1 === count( $ids ) ? (int) $ids[0] : 0;
    }

    /** Does what was decided in Hamlet, or says what a person in WordPress has decided. */
    private static function answer( $id, $is_spam ) {
        if ( '' === self::person( $id ) ) {
            self::obey( $id, $is_spam );
            return array( 'status' => 'success' );
        }
        return array(
            'status'         => 'success',
            'decided_by'     => 'person',
            'comment_status' => (string) wp_get_comment_status( $id ),
        );
    }

    private static function obey( $id, $is_spam ) {
        $before = wp_get_comment_status( $id );
        if ( $is_spam && in_array( $before, array( 'approved', 'unapproved' ), true ) ) {
            wp_spam_comment( $id );
        } elseif ( ! $is_spam && in_array( $before, array( 'spam', 'unapproved' ), true ) && self::may_pass( $id ) ) {
            if ( 'spam' === $before ) {
                wp_unspam_comment( $id );
            }
            if ( 'unapproved' === wp_get_comment_status( $id ) ) {
                wp_set_comment_status( $id, 'approve' );
            }
        }
        if ( wp_get_comment_status( $id ) !== $before ) {
            update_comment_meta( $id, 'akismet_result', $is_spam ? 'true' : 'false' );
            if ( is_callable( array( 'Akismet', 'update_comment_history' ) ) ) {
                Akismet::update_comment_history( $id, '', $is_spam ? 'recheck-spam' : 'recheck-ham' );
            }
        }
        update_comment_meta( $id, self::DECISION, $is_spam ? 'spam' : 'approve' );
    }

    /** A comment that waits because of WordPress' own rules, not because of Hamlet, waits on. */
    private static function may_pass( $id ) {
        return in_array( get_comment_meta( $id, self::DECISION, true ), array( 'hold', 'spam', 'discard' ), true );
    }

    // ---- 6. People in WordPress -------------------------------------------------------------------------------------

    /**
     * Notes who changed a status. The Akismet plugin reports "spam" and "not spam" itself, but not that a pending
     * comment was approved.
     */
    public static function note_person( $new, $old, $comment ) {
        $id = (int) $comment->comment_ID;
        if ( $new === $old || 'delete' === $new || '' === self::guid( $id ) ) {
            return;
        }
        $is_machine = isset( $_SERVER['HTTP_X_AKISMET_WEBHOOK'] )
            || get_comment_meta( $id, 'akismet_rechecking' )
            || ( defined( 'WP_IMPORTING' ) && WP_IMPORTING )
            || ! ( current_user_can( 'moderate_comments' ) || current_user_can( 'edit_post', $comment->comment_post_ID ) );
        if ( $is_machine ) {
            delete_comment_meta( $id, self::PERSON );
            return;
        }
        update_comment_meta( $id, self::PERSON, wp_get_current_user()->user_login );
        $is_held     = 'hold' === get_comment_meta( $id, self::DECISION, true );
        $is_released = 'unapproved' === $old && 'approved' === $new;
        if ( $is_held && $is_released && is_callable( array( 'Akismet', 'submit_nonspam_comment' ) ) ) {
            Akismet::submit_nonspam_comment( $id );
        }
    }

    /** The person who gave the comment its present status; empty if it was none. */
    private static function person( $id ) {
        return (string) get_comment_meta( $id, self::PERSON, true );
    }

    /** By what Hamlet knows the comment now; empty if it does not. */
    private static function guid( $id ) {
        $guids = get_comment_meta( $id, self::GUID );
        return $guids ? (string) end( $guids ) : '';
    }

    // ---- 7. Nothing to Akismet's servers ----------------------------------------------------------------------------

    /** The plugin's notice under comment forms would say that Akismet processes the comment. */
    public static function no_notice() {
        return 'hide';
    }

    /** The settings page has the browser fetch charts from Akismet, older ones with the key in the address. */
    public static function leave_frames_out() {
        ob_start(
            function ( $page ) {
                $note = '<p>Charts are left out: comments are checked by Hamlet, not by Akismet.</p>';
                return preg_replace( '#<iframe\b[^>]*//tools\.akismet\.com/[^>]*>\s*</iframe>#i', $note, $page ) ?? $page;
            }
        );
    }
}

Hamlet_For_Akismet::start();
