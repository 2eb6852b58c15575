// The driver of kafkajs. tests/clients/README.md describes the verbs.
'use strict'

const crypto = require('crypto')
const fs = require('fs')
const readline = require('readline')
const { AssignerProtocol, Kafka, Partitioners, logLevel } = require('kafkajs')
const codecs = require('./codecs')

const VALUE_PRINTED_BYTES_MAX = 64 * 1024
// Records handed to one call of send(): kafkajs makes one batch a partition of them.
const SEND_RECORDS = 200
const SEND_BYTES_MAX = 512 * 1024

// Written at once: what the stream still held would be lost when the process exits.
const emit = object => {
  let rest = Buffer.from(JSON.stringify(object) + '\n')
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}
const encoded = data => (data === null || data === undefined ? null : Buffer.from(data).toString('base64'))
const decoded = text => (text === null ? null : Buffer.from(text, 'base64'))
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

function parse(args) {
  const options = {}
  for (let i = 0; i < args.length; i += 2) {
    if (!args[i].startsWith('--') || i + 1 === args.length) throw new Error(`expected --key value, found ${args[i]}`)
    options[args[i].slice(2)] = args[i + 1]
  }
  return options
}

function required(options, name) {
  if (options[name] === undefined) throw new Error(`--${name} is missing`)
  return options[name]
}

function client(options) {
  return new Kafka({
    clientId: 'kafkajs-driver',
    brokers: [required(options, 'bootstrap')],
    logLevel: logLevel.WARN,
    // stdout carries results only.
    logCreator: () => entry => process.stderr.write(JSON.stringify(entry.log) + '\n'),
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1000 },
  })
}

function capabilities() {
  emit({
    codecs: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    // The encoder measures a header's value before it looks whether there is one.
    null_header_values: false,
    null_values: true,
    null_keys: true,
    null_key_and_value: true,
    repeated_headers: true,
    // Headers are an object, so those of one name stand together.
    interleaved_headers: false,
    timestamps: true,
    idempotence: true,
    static_members: false,
    explicit_commit: true,
    acks_0: true,
    // Its own name for round robin keeps it out of groups with other libraries.
    assignors: ['RoundRobinAssigner', 'range'],
  })
}

function headersObject(pairs) {
  const headers = {}
  for (const [name, value] of pairs || []) {
    if (headers[name] === undefined) headers[name] = []
    headers[name].push(decoded(value))
  }
  return headers
}

function headersPairs(headers) {
  return Object.entries(headers || {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(one => [name, encoded(one)])
  )
}

/** Cuts the records into runs for send(), in file order. */
function* runs(lines) {
  let run = []
  let bytes = 0
  for (const line of lines) {
    run.push(JSON.parse(line))
    bytes += line.length
    if (run.length === SEND_RECORDS || bytes > SEND_BYTES_MAX) {
      yield run
      run = []
      bytes = 0
    }
  }
  if (run.length) yield run
}

async function produce(options) {
  const topic = required(options, 'topic')
  const acks = { all: -1, 1: 1, 0: 0 }[required(options, 'acks')]
  const producer = client(options).producer({
    idempotent: options.idempotent === 'true',
    // More than one would let requests overtake each other: kafkajs does not order their retries.
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  const lines = fs.readFileSync(required(options, 'input'), 'utf8').split('\n').filter(Boolean)
  let i = 0
  for (const run of runs(lines)) {
    const results = await producer.send({
      topic,
      acks,
      compression: codecs.TYPES[required(options, 'codec')],
      messages: run.map(record => ({
        partition: record.partition,
        key: decoded(record.key),
        value: decoded(record.value),
        headers: headersObject(record.headers),
        timestamp: record.timestamp === undefined ? undefined : String(record.timestamp),
      })),
    })
    const next = {}
    if (acks !== 0) for (const row of results) next[row.partition] = Number(row.baseOffset)
    for (const record of run) {
      emit({ i: i++, partition: record.partition, offset: acks === 0 ? -1 : next[record.partition]++ })
    }
  }
  await producer.disconnect()
}

function described(partition, message) {
  const out = {
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: encoded(message.key),
  }
  if (message.value && message.value.length > VALUE_PRINTED_BYTES_MAX) {
    out.value_sha256 = crypto.createHash('sha256').update(message.value).digest('hex')
    out.value_len = message.value.length
  } else {
    out.value = encoded(message.value)
  }
  out.headers = headersPairs(message.headers)
  return out
}

/** kafkajs reads in groups only: a group of its own for each run, deleted at its end. */
async function consume(options) {
  const count = Number(required(options, 'count'))
  const timeoutMs = Number(options['timeout-ms'] || 30000)
  const groupId = `kafkajs-reader-${crypto.randomUUID()}`
  const kafka = client(options)
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, sessionTimeout: 60000 })
  await consumer.connect()
  await consumer.subscribe({ topic: required(options, 'topic'), fromBeginning: true })
  let seen = 0
  let done
  const finished = new Promise(resolve => (done = resolve))
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      if (seen >= count) return
      emit(described(partition, message))
      if (++seen === count) done()
    },
  })
  await Promise.race([finished, sleep(timeoutMs)])
  await consumer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteGroups([groupId])
  await admin.disconnect()
  if (seen < count) throw new Error(`only ${seen} of ${count} records within ${timeoutMs} ms`)
}

/** Kafka's range assignor over kafkajs's interface, under the name that all other clients know. */
const rangeAssigner = ({ cluster }) => ({
  name: 'range',
  version: 0,
  async assign({ members, topics }) {
    const sorted = members.map(member => member.memberId).sort()
    const assignment = Object.fromEntries(sorted.map(id => [id, {}]))
    for (const topic of topics) {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(row => row.partitionId).sort((a, b) => a - b)
      const each = Math.floor(partitions.length / sorted.length)
      const extra = partitions.length % sorted.length
      sorted.forEach((id, i) => {
        const start = each * i + Math.min(i, extra)
        assignment[id][topic] = partitions.slice(start, start + each + (i < extra ? 1 : 0))
      })
    }
    return sorted.map(memberId => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: assignment[memberId] }),
    }))
  },
  protocol({ topics }) {
    return { name: 'range', metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics }) }
  },
})

async function group(options) {
  const topic = required(options, 'topic')
  const consumer = client(options).consumer({
    groupId: required(options, 'group'),
    sessionTimeout: Number(options['session-timeout-ms'] || 6000),
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 100,
    ...(options.assignor === 'range' ? { partitionAssigners: [rangeAssigner] } : {}),
  })
  let held = []
  const next = {}
  const revoke = () => {
    if (!held.length) return
    emit({ event: 'revoked', partitions: held })
    held = []
    for (const partition of Object.keys(next)) delete next[partition]
  }
  consumer.on(consumer.events.REBALANCING, revoke)
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    revoke()
    held = (payload.memberAssignment[topic] || []).slice().sort((a, b) => a - b)
    emit({ event: 'assigned', partitions: held })
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      emit({ event: 'record', partition, offset: Number(message.offset), key: encoded(message.key) })
      next[partition] = Number(message.offset) + 1
    },
  })
  await serve(topic, consumer, next)
}

async function serve(topic, consumer, next) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    switch (line.trim()) {
      case 'commit': {
        const offsets = { ...next }
        const rows = Object.entries(offsets).map(([partition, offset]) => ({
          topic,
          partition: Number(partition),
          offset: String(offset),
        }))
        if (rows.length) await consumer.commitOffsets(rows)
        emit({ event: 'committed', offsets })
        break
      }
      case 'close':
        await consumer.disconnect()
        emit({ event: 'closed' })
        return
      case '':
        break
      default:
        throw new Error(`unknown command ${line}`)
    }
  }
  await consumer.disconnect()
}

const VERBS = { produce, consume, group, capabilities }

async function main() {
  const [verb, ...args] = process.argv.slice(2)
  if (!VERBS[verb]) throw new Error(`usage: driver ${Object.keys(VERBS).join('|')} --key value ...`)
  await codecs.register()
  await VERBS[verb](parse(args))
}

main().then(
  () => process.exit(0),
  error => {
    process.stderr.write(`${error.stack || error}\n`)
    process.exit(1)
  }
)
