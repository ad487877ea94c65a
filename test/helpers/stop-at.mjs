// In front of a command that is to be interrupted at a line of its output: it stops itself there, and goes on when the signal has come,
// however late that is sent.
const line = new RegExp(process.env.EGRESSD_TEST_STOP_AT, 'm')
const { stdout } = process
const write = stdout.write.bind(stdout)
let said = ''
let stopped = false
stdout.write = (chunk, ...more) => {
  const room = write(chunk, ...more)
  said += chunk
  if (!stopped && line.test(said)) {
    stopped = true
    process.kill(process.pid, 'SIGSTOP')
  }
  return room
}
