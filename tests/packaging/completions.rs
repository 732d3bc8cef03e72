//! Completion of arguments in bash, zsh and fish.
//!
//! Each script holds the table of commands, one line each: words, words that may follow as options, classes
//! of names that may follow. Names are asked of the running daemon.

use std::collections::BTreeSet;
use std::fmt::Write;

use tern::control::command::{self, Kind};

const MADE: &str = "# Made from the tables of the programs: BLESS=1 cargo test --test packaging\n";

/// A command as the scripts need it.
fn rows() -> String {
    let mut rows = String::new();
    let listed = command::commands().filter(|c| !matches!(c.kind, Kind::Heading | Kind::Hidden(_)));
    for command in listed {
        let (mut words, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut rest = command.args;
        while let Some(c) = rest.chars().next() {
            if c == '<' {
                let end = rest.find('>').unwrap_or(rest.len() - 1);
                match &rest[1..end] {
                    "protocol" | "proto" | "p" | "name" => names.insert("protocol"),
                    "table" | "t" => names.insert("table"),
                    "filter" | "f" => names.insert("filter"),
                    _ => false,
                };
                rest = &rest[end + 1..];
            } else if c == '"' {
                let end = rest[1..].find('"').map_or(rest.len(), |n| n + 2);
                rest = &rest[end..];
            } else if c.is_ascii_lowercase() {
                let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
                words.insert(&rest[..end]);
                rest = &rest[end..];
            } else {
                rest = &rest[c.len_utf8()..];
            }
        }
        let join = |set: BTreeSet<&str>| set.into_iter().collect::<Vec<_>>().join(" ");
        let _ = writeln!(rows, "{}|{}|{}", command.words, join(words), join(names));
    }
    rows
}

/// The flags of bird: letters or long words, what their argument is called, help.
fn flags() -> Vec<(Vec<&'static str>, Option<&'static str>, &'static str)> {
    let flag = |flag: &tern::options::Flag| {
        let synopsis = flag.synopsis;
        let names = synopsis.split([' ', ',', '[', ']']).filter(|w| w.starts_with('-')).collect();
        let argument = synopsis.find('<').and_then(|at| Some(&synopsis[at + 1..synopsis.find('>')?]));
        (names, argument, flag.help)
    };
    tern::options::FLAGS.iter().map(flag).collect()
}

fn is_file(argument: Option<&str>) -> bool {
    argument.is_some_and(|a| a.ends_with("-file") || a.ends_with("-socket"))
}

fn birdc_flags() -> String {
    birdc::options::FLAGS.iter().map(|flag| format!("-{}", flag.letter)).collect::<Vec<_>>().join(" ")
}

/// Bash, bird.
pub(crate) fn bird_bash() -> String {
    let all: Vec<&str> = flags().iter().flat_map(|(names, ..)| names.clone()).collect();
    let files: Vec<&str> =
        flags().iter().filter(|f| is_file(f.1)).flat_map(|(names, ..)| names.clone()).collect();
    format!(
        "{MADE}_bird() {{\n\tlocal word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}\n\tcase $before in\n\
         \t\t{files}) compopt -o default 2>/dev/null; COMPREPLY=(); return ;;\n\
         \t\t-u) mapfile -t COMPREPLY < <(compgen -u -- \"$word\"); return ;;\n\
         \t\t-g) mapfile -t COMPREPLY < <(compgen -g -- \"$word\"); return ;;\n\
         \tesac\n\tmapfile -t COMPREPLY < <(compgen -W '{all}' -- \"$word\")\n}}\ncomplete -F _bird bird\n",
        files = files.join(" | "),
        all = all.join(" ")
    )
}

/// Bash, birdc.
pub(crate) fn birdc_bash() -> String {
    let (flags, rows) = (birdc_flags(), rows());
    format!(
        r#"{MADE}# Lines of words, options and classes of names.
_birdc_table() {{
	cat <<'END'
{rows}END
}}
_birdc() {{
	local word=${{COMP_WORDS[COMP_CWORD]}} program=${{COMP_WORDS[0]}} socket=() said=() i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${{COMP_WORDS[i]}} in
			-s) socket=(-s "${{COMP_WORDS[i+1]}}"); i=$((i + 1)) ;;
			-s*) socket=("${{COMP_WORDS[i]}}") ;;
			-l) socket=(-l) ;;
			-*) ;;
			*) said+=("${{COMP_WORDS[i]}}") ;;
		esac
	done
	if [ "${{COMP_WORDS[COMP_CWORD-1]}}" = -s ]; then
		compopt -o default 2>/dev/null
		return
	fi
	local words options names parts count=${{#said[@]}} found=() best=-1 of_best=''
	[ "$count" = 0 ] && found=({flags} help)
	while IFS='|' read -r words options names; do
		read -ra parts <<<"$words"
		# Words may be shortened.
		for ((i = 0; i < count && i < ${{#parts[@]}}; i++)); do
			[[ ${{parts[i]}} == "${{said[i]}}"* ]] || break
		done
		if ((i == count && count < ${{#parts[@]}})); then
			found+=("${{parts[count]}}")
		elif ((i == ${{#parts[@]}} && i > best)); then
			best=$i of_best="$options|$names"
		fi
	done < <(_birdc_table)
	if ((best > 0)); then
		found+=(${{of_best%%|*}})
		for names in ${{of_best#*|}}; do
			mapfile -t -O ${{#found[@]}} found < <("$program" "${{socket[@]}}" show symbols "$names" 2>/dev/null | awk -F'\t' 'NF > 1 {{ sub(/ +$/, "", $1); print $1 }}')
		done
	fi
	mapfile -t COMPREPLY < <(compgen -W "${{found[*]}}" -- "$word" | sort -u)
}}
complete -F _birdc birdc
"#
    )
}

/// Zsh, bird.
pub(crate) fn bird_zsh() -> String {
    let mut text = format!("#compdef bird\n{MADE}_arguments -s \\\n");
    for (names, argument, help) in flags() {
        let help = help.replace('\'', "").replace([':', '[', ']'], ",");
        for name in &names {
            let action = match argument {
                None => String::new(),
                Some("user") => ":user:_users".to_owned(),
                Some("group") => ":group:_groups".to_owned(),
                Some(argument) => format!(":{argument}:_files"),
            };
            let _ = writeln!(text, "\t'{name}[{help}]{action}' \\");
        }
    }
    text.push_str("\t&& return\n");
    text
}

/// Zsh, birdc.
pub(crate) fn birdc_zsh() -> String {
    let (flags, rows) = (birdc_flags(), rows());
    format!(
        r#"#compdef birdc
{MADE}# Lines of words, options and classes of names.
_birdc() {{
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
	((${{#said}} == 0)) && found=({flags} help)
	while IFS= read -r line; do
		of=("${{(@s:|:)line}}")
		parts=(${{(s: :)of[1]}})
		for ((i = 1; i <= ${{#said}} && i <= ${{#parts}}; i++)); do
			[[ $parts[i] == ${{said[i]}}* ]] || break
		done
		((i--))
		if ((i == ${{#said}} && i < ${{#parts}})); then
			found+=($parts[i+1])
		elif ((i == ${{#parts}} && i > best)); then
			best=$i options=$of[2] names=$of[3]
		fi
	done <<'END'
{rows}END
	found+=(${{(s: :)options}})
	for i in ${{(s: :)names}}; do
		found+=(${{(f)"$($words[1] $socket show symbols $i 2>/dev/null | awk -F'\t' 'NF > 1 {{ sub(/ +$/, "", $1); print $1 }}')"}})
	done
	compadd -- ${{(u)found}}
}}
_birdc "$@"
"#
    )
}

/// Fish, bird.
pub(crate) fn bird_fish() -> String {
    let mut text = format!("{MADE}complete -c bird -f\n");
    for (names, argument, help) in flags() {
        let mut line = String::from("complete -c bird");
        for name in &names {
            let _ = match name.strip_prefix("--") {
                Some(long) => write!(line, " -l {long}"),
                None => write!(line, " -s {}", name.trim_start_matches('-')),
            };
        }
        line += match argument {
            Some("user") => " -x -a '(__fish_complete_users)'",
            Some("group") => " -x -a '(__fish_complete_groups)'",
            Some(_) => " -r -F",
            None => "",
        };
        let _ = writeln!(text, "{line} -d '{}'", help.replace('\'', ""));
    }
    text
}

/// Fish, birdc.
pub(crate) fn birdc_fish() -> String {
    let rows: String = rows().lines().map(|row| format!("\t\t'{row}' \\\n")).collect();
    let mut text = format!(
        r#"{MADE}function __birdc_complete
	# Lines of words, options and classes of names.
	set -l table \
{rows}		''
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
		test -n "$class"; and $program $socket show symbols $class 2>/dev/null | awk -F'\t' 'NF > 1 {{ sub(/ +$/, "", $1); print $1 }}'
	end
end
complete -c birdc -f -a '(__birdc_complete)'
"#
    );
    for flag in birdc::options::FLAGS {
        let file = if flag.argument.is_some() { " -r -F" } else { "" };
        let _ =
            writeln!(text, "complete -c birdc -s {}{file} -d '{}'", flag.letter, flag.help.replace('\'', ""));
    }
    text
}
