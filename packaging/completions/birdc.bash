# Completion of birdc's commands in bash. The running daemon is asked for its commands, so they always fit; without one nothing is offered.
_birdc() {
	local word=${COMP_WORDS[COMP_CWORD]} i socket=() said=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
			-s) socket=(-s "${COMP_WORDS[i+1]}"); i=$((i + 1)) ;;
			-s*) socket=("${COMP_WORDS[i]}") ;;
			-l) socket=(-l) ;;
			-*) ;;
			*) said+=("${COMP_WORDS[i]}") ;;
		esac
	done
	[ "${COMP_WORDS[COMP_CWORD-1]}" = -s ] && { compopt -o default; COMPREPLY=(); return; }
	local words
	words=$("${COMP_WORDS[0]}" "${socket[@]}" commands 2>/dev/null | awk -F '\t' -v said="${said[*]}" '
		NF > 1 {
			count = split(said, prefix, " ")
			split($1, word, " ")
			for (i = 1; i <= count; i++) if (word[i] != prefix[i]) next
			if (count + 1 in word) print word[count + 1]
		}' | sort -u)
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _birdc birdc
