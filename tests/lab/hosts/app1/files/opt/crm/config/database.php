<?php
// CRM, taken over from the sales department in 2018
define('DB_HOST', '10.61.1.41');
define('DB_PORT', 3307);
define('DB_USER', 'crm');
define('DB_PASS', 'lab-crm');
define('DB_NAME', 'crm');
// define('DB_HOST', 'mysql.webhoster-alt.example');
define('REPLY_TO', 'jens@kontor.example');
