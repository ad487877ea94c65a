// In a process of its own, by `node --import`: answers each message with how many objects there are.
import { liveObjects } from './live-objects.mjs'

process.on('message', async () => process.send(await liveObjects()))
// NB: listening to messages alone keeps nobody from its end.
process.channel.unref()
