# Made from the tables of the programs: BLESS=1 cargo test --test packaging
# Lines of words, options and classes of names.
_birdc_table() {
	cat <<'END'
show status||
show memory||
show protocols||protocol
show protocols all||protocol
show interfaces||
show interfaces summary||
show route|all count export exported filter filtered for import in noexport preexport primary protocol stats table where|filter protocol table
show symbols|filter function protocol table template|
show static||protocol
show version||
show threads|all|
eval||
show kernel||
show kernel drift||
wait kernel||
show filters|stats|filter
explain route|export from import|protocol
show bfd sessions|all interface|protocol
show babel interfaces||protocol
show babel neighbors||protocol
show babel entries||protocol
show babel routes||protocol
show ospf||protocol
show ospf neighbors||protocol
show ospf interface||protocol
show ospf topology|all|protocol
show ospf state|all|protocol
show ospf lsadb|area global link lsid router self type|protocol
show rip interfaces||protocol
show rip neighbors||protocol
show mpls ranges||protocol
mrt dump|filter table to where|filter table
dump resources||
dump sockets||
dump ao keys||
dump events||
dump interfaces||
dump neighbors||
dump attributes||
dump attribute stats||
dump routes||
dump tables||
dump protocols||
dump filter all||
disable|all|protocol
enable|all|protocol
restart|all|protocol
reload|all|protocol
reload in|all|protocol
reload out|all|protocol
reload filters|all partial|protocol
reload filters in|all partial|protocol
reload filters out|all partial|protocol
debug|all events filters interfaces off packets routes states|protocol
mrtdump|all messages off states|protocol
down||
graceful restart||
echo|all auth bug debug error fatal info off remote trace warning|
timeformat|iso long ms short us|
restrict||
configure|timeout|
configure soft|timeout|
configure timeout||
configure soft timeout||
configure confirm||
configure undo||
configure status||
configure check||
configure plan||
configure explain||
END
}
_birdc() {
	local word=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} socket=() said=() i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
			-s) socket=(-s "${COMP_WORDS[i+1]}"); i=$((i + 1)) ;;
			-s*) socket=("${COMP_WORDS[i]}") ;;
			-l) socket=(-l) ;;
			-*) ;;
			*) said+=("${COMP_WORDS[i]}") ;;
		esac
	done
	if [ "${COMP_WORDS[COMP_CWORD-1]}" = -s ]; then
		compopt -o default 2>/dev/null
		return
	fi
	local words options names parts count=${#said[@]} found=() best=-1 of_best=''
	[ "$count" = 0 ] && found=(-s -v -r -l help)
	while IFS='|' read -r words options names; do
		read -ra parts <<<"$words"
		# Words may be shortened.
		for ((i = 0; i < count && i < ${#parts[@]}; i++)); do
			[[ ${parts[i]} == "${said[i]}"* ]] || break
		done
		if ((i == count && count < ${#parts[@]})); then
			found+=("${parts[count]}")
		elif ((i == ${#parts[@]} && i > best)); then
			best=$i of_best="$options|$names"
		fi
	done < <(_birdc_table)
	if ((best > 0)); then
		found+=(${of_best%%|*})
		for names in ${of_best#*|}; do
			mapfile -t -O ${#found[@]} found < <("$program" "${socket[@]}" show symbols "$names" 2>/dev/null | awk -F'\t' 'NF > 1 { sub(/ +$/, "", $1); print $1 }')
		done
	fi
	mapfile -t COMPREPLY < <(compgen -W "${found[*]}" -- "$word" | sort -u)
}
complete -F _birdc birdc
