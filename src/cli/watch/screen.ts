/** The terminal, while something is shown in place on it. */
export interface Screen extends Disposable {
  show(lines: readonly string[]): void
  /** Aborted by q, Ctrl-C or Ctrl-D. */
  quit: AbortSignal
  /** Is called when the terminal has another size, or is ours again. */
  onChange(listener: () => void): void
}

// DEC private modes of xterm(1): the other screen, and the cursor.
const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'

/** Takes it over until it is disposed of, or the process ends in whatever way but SIGKILL. */
export function openScreen(): Screen {
  const { stdin, stdout } = process
  const quit = new AbortController()
  let listener = () => {}
  let ours = false
  const take = () => {
    if (stdin.isTTY) stdin.setRawMode(true)
    stdout.write(enter)
    ours = true
    listener()
  }
  const give = () => {
    if (!ours) return
    ours = false
    stdout.write(leave)
    if (stdin.isTTY) stdin.setRawMode(false)
  }
  const key = (data: Buffer) => {
    const text = data.toString()
    if (['q', 'Q', '\u0003', '\u0004'].some(each => text.includes(each))) quit.abort()
    // Ctrl-Z: raw mode has taken it from the terminal. The shell gets it back as it was.
    else if (text.includes('\u001a')) {
      give()
      process.kill(process.pid, 'SIGSTOP')
    }
  }
  const resume = () => take()
  const resize = () => listener()
  process.on('exit', give)
  process.on('SIGCONT', resume)
  stdout.on('resize', resize)
  stdin.on('data', key)
  take()
  return {
    quit: quit.signal,
    onChange: given => {
      listener = given
    },
    // From the top left, each line cleared to its end, and what is below.
    show: lines => {
      if (ours) stdout.write(`\u001b[H${lines.map(line => `${line}\u001b[K`).join('\n')}\u001b[J`)
    },
    [Symbol.dispose]() {
      give()
      process.off('exit', give)
      process.off('SIGCONT', resume)
      stdout.off('resize', resize)
      stdin.off('data', key)
      stdin.pause()
    },
  }
}
