// A thread that takes whatever comes on the listening descriptor it is given, and throws it away.
import net from 'node:net'
import { workerData } from 'node:worker_threads'

const server = net.createServer({ noDelay: true }, socket => {
  socket.on('error', () => {})
  socket.on('data', () => {})
})
server.listen({ fd: workerData as number })
