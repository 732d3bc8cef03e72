# Completion of birdc's commands in bash. What may follow a word is asked of the running daemon (`birdc help show`), so it always fits.
_birdc() {
	local word=${COMP_WORDS[COMP_CWORD]} i socket=() said=() words
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
			-s) socket=(-s "${COMP_WORDS[i+1]}"); i=$((i + 1)) ;;
			-s*) socket=("${COMP_WORDS[i]}") ;;
			-l) socket=(-l) ;;
			-*) ;;
			*) said+=("${COMP_WORDS[i]}") ;;
		esac
	done
	[ "${COMP_WORDS[COMP_CWORD-1]}" = -s ] && { compopt -o default 2>/dev/null; COMPREPLY=(); return; }
	if [ ${#said[@]} = 0 ]; then
		words='-s -v -r -l configure debug disable down dump echo enable eval graceful help mrt mrtdump reload restart restrict show timeformat'
	else
		words=$("${COMP_WORDS[0]}" "${socket[@]}" help "${said[@]}" 2>/dev/null | awk -v said="${said[*]}" '
			BEGIN { count = split(said, prefix, " ") }
			{
				for (i = 1; i <= count; i++) if ($i != prefix[i]) next
				# Arguments begin with a bracket; the help stands behind several blanks.
				line = $0; sub(/   +.*/, "", line); sub(/  [A-Z].*/, "", line)
				if (split(line, part, " ") > count && part[count + 1] ~ /^[a-z]+$/) print part[count + 1]
			}' | sort -u)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _birdc birdc
