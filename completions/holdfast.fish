# fish completion of holdfast. The completions come from holdfast itself: commands, options, this user's tunnels, and the Host
# aliases of ~/.ssh/config. No word of the line is ever expanded.

function __holdfast_completions
    command -q holdfast; or return
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (command holdfast completion --candidates -- $words "$current" 2>/dev/null)
        if test "$line" = :file
            set -l parts (string match -r -- '^((?:--[^=]*=)?)(.*)$' "$current")
            string replace -r -- "^" "$parts[2]" (__fish_complete_path "$parts[3]")
        else
            printf '%s\n' $line
        end
    end
end

complete -c holdfast -f -a '(__holdfast_completions)'
