#compdef birdc
# Made from the tables of the programs: BLESS=1 cargo test --test packaging
# Lines of words, options and classes of names.
_birdc() {
	local -a socket said found parts of
	local i line best=0 names='' options=''
	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
			-s) socket=(-s $words[i+1]); ((i++)) ;;
			-l) socket=(-l) ;;
			-*) ;;
			*) said+=($words[i]) ;;
		esac
	done
	if [[ $words[CURRENT-1] == -s ]]; then
		_files
		return
	fi
	((${#said} == 0)) && found=(-s -v -r -l help)
	while IFS= read -r line; do
		of=("${(@s:|:)line}")
		parts=(${(s: :)of[1]})
		for ((i = 1; i <= ${#said} && i <= ${#parts}; i++)); do
			[[ $parts[i] == ${said[i]}* ]] || break
		done
		((i--))
		if ((i == ${#said} && i < ${#parts})); then
			found+=($parts[i+1])
		elif ((i == ${#parts} && i > best)); then
			best=$i options=$of[2] names=$of[3]
		fi
	done <<'END'
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
	found+=(${(s: :)options})
	for i in ${(s: :)names}; do
		found+=(${(f)"$($words[1] $socket show symbols $i 2>/dev/null | awk -F'\t' 'NF > 1 { sub(/ +$/, "", $1); print $1 }')"})
	done
	compadd -- ${(u)found}
}
_birdc "$@"
