# Made from the tables of the programs: BLESS=1 cargo test --test packaging
function __birdc_complete
	# Lines of words, options and classes of names.
	set -l table \
		'show status||' \
		'show memory||' \
		'show protocols||protocol' \
		'show protocols all||protocol' \
		'show interfaces||' \
		'show interfaces summary||' \
		'show route|all count export exported filter filtered for import in noexport preexport primary protocol stats table where|filter protocol table' \
		'show symbols|filter function protocol table template|' \
		'show static||protocol' \
		'show version||' \
		'show threads|all|' \
		'eval||' \
		'show kernel||' \
		'show kernel drift||' \
		'wait kernel||' \
		'show filters|stats|filter' \
		'explain route|export from import|protocol' \
		'show bfd sessions|all interface|protocol' \
		'show babel interfaces||protocol' \
		'show babel neighbors||protocol' \
		'show babel entries||protocol' \
		'show babel routes||protocol' \
		'show ospf||protocol' \
		'show ospf neighbors||protocol' \
		'show ospf interface||protocol' \
		'show ospf topology|all|protocol' \
		'show ospf state|all|protocol' \
		'show ospf lsadb|area global link lsid router self type|protocol' \
		'show rip interfaces||protocol' \
		'show rip neighbors||protocol' \
		'show mpls ranges||protocol' \
		'mrt dump|filter table to where|filter table' \
		'dump resources||' \
		'dump sockets||' \
		'dump ao keys||' \
		'dump events||' \
		'dump interfaces||' \
		'dump neighbors||' \
		'dump attributes||' \
		'dump attribute stats||' \
		'dump routes||' \
		'dump tables||' \
		'dump protocols||' \
		'dump filter all||' \
		'disable|all|protocol' \
		'enable|all|protocol' \
		'restart|all|protocol' \
		'reload|all|protocol' \
		'reload in|all|protocol' \
		'reload out|all|protocol' \
		'reload filters|all partial|protocol' \
		'reload filters in|all partial|protocol' \
		'reload filters out|all partial|protocol' \
		'debug|all events filters interfaces off packets routes states|protocol' \
		'mrtdump|all messages off states|protocol' \
		'down||' \
		'graceful restart||' \
		'echo|all auth bug debug error fatal info off remote trace warning|' \
		'timeformat|iso long ms short us|' \
		'restrict||' \
		'configure|timeout|' \
		'configure soft|timeout|' \
		'configure timeout||' \
		'configure soft timeout||' \
		'configure confirm||' \
		'configure undo||' \
		'configure status||' \
		'configure check||' \
		'configure plan||' \
		'configure explain||' \
		''
	set -l tokens (commandline -opc)
	set -l program $tokens[1]
	set -l socket
	set -l said
	set -l i 2
	while test $i -le (count $tokens)
		switch $tokens[$i]
			case -s
				set i (math $i + 1)
				set socket -s $tokens[$i]
			case -l
				set socket -l
			case '-*'
			case '*'
				set -a said $tokens[$i]
		end
		set i (math $i + 1)
	end
	set -l count (count $said)
	set -l best 0
	set -l options
	set -l names
	for row in $table
		test -n "$row"; or continue
		set -l of (string split '|' -- $row)
		set -l parts (string split ' ' -- $of[1])
		set -l same 0
		while test $same -lt $count -a $same -lt (count $parts)
			set -l at (math $same + 1)
			string match -q -- "$said[$at]*" $parts[$at]; or break
			set same $at
		end
		if test $same -eq $count -a $count -lt (count $parts)
			echo $parts[(math $count + 1)]
		else if test $same -eq (count $parts) -a $same -gt $best
			set best $same
			set options (string split ' ' -- $of[2])
			set names (string split ' ' -- $of[3])
		end
	end
	for word in $options
		test -n "$word"; and echo $word
	end
	for class in $names
		test -n "$class"; and $program $socket show symbols $class 2>/dev/null | awk -F'\t' 'NF > 1 { sub(/ +$/, "", $1); print $1 }'
	end
end
complete -c birdc -f -a '(__birdc_complete)'
complete -c birdc -s s -r -F -d 'the control socket of the daemon'
complete -c birdc -s v -d 'show reply codes'
complete -c birdc -s r -d 'restrict the session to commands that change nothing'
complete -c birdc -s l -d 'use the control socket bird.ctl of the current directory'
