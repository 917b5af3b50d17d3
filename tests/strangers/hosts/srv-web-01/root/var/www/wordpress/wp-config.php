<?php
/**
 * The base configuration for WordPress
 *
 * @link https://wordpress.org/documentation/article/editing-wp-config-php/
 *
 * @package WordPress
 */

// ** Database settings - You can get this info from your web host ** //
/** The name of the database for WordPress */
define( 'DB_NAME', 'wp_karriere' );

/** Database username */
define( 'DB_USER', 'wp' );

/** Database password */
define( 'DB_PASSWORD', 'KarriereLeiter#9' );

/** Database hostname */
define( 'DB_HOST', getenv('WP_DB') ?: 'srv-db-02.nordwald.example' );

/** Database charset to use in creating database tables. */
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );

define( 'AUTH_KEY',         'put~fake]unique{phrase-01' );
define( 'SECURE_AUTH_KEY',  'put~fake]unique{phrase-02' );

$table_prefix = 'wp_';
define( 'WP_DEBUG', false );
define( 'WP_REDIS_HOST', '10.20.5.63' );
define( 'WP_REDIS_PORT', 6379 );
define( 'WP_PROXY_HOST', 'srv-proxy-02.nordwald.example' );
define( 'WP_PROXY_PORT', '8080' );
define( 'WP_PROXY_BYPASS_HOSTS', 'localhost, *.nordwald.example' );

/* That's all, stop editing! Happy publishing. */
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
