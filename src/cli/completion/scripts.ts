export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

// They ask the hidden command `__complete`, which answers with a candidate a line, or with one line that says what the shell is to
// complete by itself: `:files` or `:commands`.

const bash = `# bash completion of egressd: source <(egressd completion bash)
_egressd() {
  local line current="\${COMP_WORDS[COMP_CWORD]}" IFS=$'\\n'
  COMPREPLY=()
  # Of "--file=x" it makes three words.
  [ "$current" != = ] || current=
  for line in $("\${COMP_WORDS[0]}" __complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    case $line in
      :files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
      :commands) COMPREPLY=($(compgen -c -- "$current")) ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done
}
complete -F _egressd egressd
`

const zsh = `#compdef egressd
# zsh completion of egressd: egressd completion zsh > "$fpath[1]/_egressd"
_egressd() {
  local -a candidates
  candidates=("\${(@f)$("\${words[1]}" __complete zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case $candidates[1] in
    '') return 1 ;;
    :files) compset -P '--*='; _files ;;
    :commands) _command_names -e ;;
    *) _describe -V egressd candidates ;;
  esac
}
if [ "$funcstack[1]" = _egressd ]; then _egressd "$@"; else compdef _egressd egressd; fi
`

const fish = `# fish completion of egressd: egressd completion fish > ~/.config/fish/completions/egressd.fish
function __egressd_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] __complete fish -- $words[2..-1] 2>/dev/null)
    switch "$candidates[1]"
        case :files
            set -l option (string match -r -- '^--[^=]+=' (commandline -ct))
            for each in (__fish_complete_path (string replace -- "$option" '' (commandline -ct)))
                echo -- "$option$each"
            end
        case :commands
            __fish_complete_command
        case '*'
            printf '%s\\n' $candidates
    end
end
complete -c egressd -f -k -a '(__egressd_complete)'
`

export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }

export async function printScript(shell: Shell): Promise<number> {
  process.stdout.write(scripts[shell])
  return 0
}
