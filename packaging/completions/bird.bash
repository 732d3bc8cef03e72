# Completion of bird's arguments in bash; the flags are those that `bird --help` lists.
_bird() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	case $before in
		-c | -s | -P | -D | --sandbox) compopt -o default; COMPREPLY=(); return ;;
		-u) mapfile -t COMPREPLY < <(compgen -u -- "$word"); return ;;
		-g) mapfile -t COMPREPLY < <(compgen -g -- "$word"); return ;;
	esac
	local flags
	flags=$("${COMP_WORDS[0]}" --help 2>&1 | grep -oE '^ +(-[A-Za-z]|--[a-z]+)(, --[a-z]+)?|\[--[a-z]+\]' | tr -d " []" | tr , "\n" | sort -u)
	mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
}
complete -F _bird bird
