#compdef bird
# Made from the tables of the programs: BLESS=1 cargo test --test packaging
_arguments -s \
	'-c[Use this configuration instead of /etc/bird/bird.conf]:config-file:_files' \
	'-s[Use this control socket instead of /run/bird/bird.ctl]:control-socket:_files' \
	'-P[Write the process number to this file]:pid-file:_files' \
	'-p[Check the configuration and exit, silent if it is good]' \
	'-f[Stay in the foreground]' \
	'-d[Stay in the foreground and log to standard error]' \
	'-D[Log to this file besides what the configuration says]:debug-file:_files' \
	'-l[Look for configuration and socket in the current directory]' \
	'-R[Recover from a graceful restart]' \
	'-u[Drop privileges and run as this user]:user:_users' \
	'-g[Run as this group]:group:_groups' \
	'--explain[With -p, every error with the lines around it and what to do, and what is odd in filters]' \
	'--sandbox[Run in a network of its own, without root, with a shell on it]:config-file:_files' \
	'--test[Run the self-tests in the configuration and exit, 1 if one fails]' \
	'--version[Print the version]' \
	'--verbose[Print the version]' \
	'-h[Print this help]' \
	'--help[Print this help]' \
	&& return
