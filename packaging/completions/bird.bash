# Made from the tables of the programs: BLESS=1 cargo test --test packaging
_bird() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	case $before in
		-c | -s | -P | -D | --sandbox) compopt -o default 2>/dev/null; COMPREPLY=(); return ;;
		-u) mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;
		-g) mapfile -t COMPREPLY < <(compgen -g -- "$word"); return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '-c -s -P -p -f -d -D -l -R -u -g --explain --sandbox --test --version --verbose -h --help' -- "$word")
}
complete -F _bird bird
