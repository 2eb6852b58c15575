// Registry clients of Node.js: @confluentinc/schemaregistry, and the one of kafkajs.
//
//   registry.js LIBRARY write|read URL BOOTSTRAP TOPIC
//   registry.js confluent client URL SUBJECT
//
// write registers one schema of each language and sends one record to TOPIC-avro, TOPIC-json and
// TOPIC-protobuf; read prints what it finds there; client prints what the client's methods answer.
'use strict'

const { Kafka, Partitioners, logLevel } = require('kafkajs')

const PERSON = { name: 'Ada', born: 1815 }
const SCHEMAS = {
  avro: JSON.stringify({
    type: 'record',
    name: 'Person',
    namespace: 'test',
    fields: [{ name: 'name', type: 'string' }, { name: 'born', type: 'int' }],
  }),
  json: JSON.stringify({
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { name: { type: 'string' }, born: { type: 'integer' } },
    required: ['name'],
  }),
  protobuf: `syntax = "proto3";
package test;

message Other {
}
message Person {
  string name = 1;
  int32 born = 2;
}
`,
}

const print = object => process.stdout.write(JSON.stringify(object) + '\n')

// Each library behind the same two functions: encode (registers, too) and decode.

function confluent(url) {
  const library = require('@confluentinc/schemaregistry')
  const { create, createFileRegistry, createMutableRegistry } = require('@bufbuild/protobuf')
  const { FileDescriptorProtoSchema, FileDescriptorSetSchema } = require('@bufbuild/protobuf/wkt')
  const client = library.SchemaRegistryClient.newClient({ baseURLs: [url], maxRetries: 0 })

  const field = (name, number, type) => ({ name, number, type, label: 1, jsonName: name })
  const file = create(FileDescriptorProtoSchema, {
    name: 'person.proto',
    package: 'test',
    syntax: 'proto3',
    messageType: [{ name: 'Other' }, { name: 'Person', field: [field('name', 1, 9), field('born', 2, 5)] }],
  })
  const person = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage('test.Person')
  const registry = createMutableRegistry(person)

  const latest = { autoRegisterSchemas: false, useLatestVersion: true }
  const serializers = {
    avro: new library.AvroSerializer(client, library.SerdeType.VALUE, latest),
    json: new library.JsonSerializer(client, library.SerdeType.VALUE, { ...latest, validate: true }),
    protobuf: new library.ProtobufSerializer(client, library.SerdeType.VALUE, { autoRegisterSchemas: true, registry }),
  }
  const deserializers = {
    avro: new library.AvroDeserializer(client, library.SerdeType.VALUE, {}),
    json: new library.JsonDeserializer(client, library.SerdeType.VALUE, { validate: true }),
    protobuf: new library.ProtobufDeserializer(client, library.SerdeType.VALUE, {}),
  }
  return {
    client,
    async encode(kind, topic) {
      if (kind === 'protobuf') return serializers.protobuf.serialize(topic, create(person, PERSON))
      await client.register(`${topic}-value`, { schemaType: kind.toUpperCase(), schema: SCHEMAS[kind] })
      return serializers[kind].serialize(topic, PERSON)
    },
    async decode(kind, topic, data) {
      const { name, born } = await deserializers[kind].deserialize(topic, data)
      return { name, born }
    },
  }
}

function kafkajs(url) {
  const { SchemaRegistry } = require('@kafkajs/confluent-schema-registry')
  const registry = new SchemaRegistry({ host: url, retry: { retries: 0 } }, { PROTOBUF: { messageName: 'Person' } })
  return {
    async encode(kind, topic) {
      const schema = { type: kind.toUpperCase(), schema: SCHEMAS[kind] }
      const { id } = await registry.register(schema, { subject: `${topic}-value` })
      if ((await registry.getLatestSchemaId(`${topic}-value`)) !== id) throw new Error('another is the latest schema')
      if ((await registry.getRegistryIdBySchema(`${topic}-value`, schema)) !== id) throw new Error('another id')
      return registry.encode(id, PERSON)
    },
    async decode(kind, topic, data) {
      const { name, born } = await registry.decode(data)
      return { name, born }
    },
  }
}

const LIBRARIES = { confluent, kafkajs }

// A second to connect, the client's default, is little on a busy machine.
const kafka = bootstrap => new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, connectionTimeout: 30_000 })

async function write(library, bootstrap, topic) {
  const producer = kafka(bootstrap).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  for (const kind of Object.keys(SCHEMAS)) {
    const value = await library.encode(kind, `${topic}-${kind}`)
    await producer.send({ topic: `${topic}-${kind}`, messages: [{ value }] })
    print({ kind, data: value.toString('base64') })
  }
  await producer.disconnect()
}

async function read(library, bootstrap, topic) {
  const consumer = kafka(bootstrap).consumer({ groupId: `readers-of-${topic}` })
  await consumer.connect()
  await consumer.subscribe({ topics: Object.keys(SCHEMAS).map(kind => `${topic}-${kind}`), fromBeginning: true })
  let missing = Object.keys(SCHEMAS).length
  await new Promise((resolve, reject) => {
    const eachMessage = async ({ topic: from, message }) => {
      try {
        const kind = from.slice(topic.length + 1)
        print({ kind, value: await library.decode(kind, from, message.value) })
        missing -= 1
        if (missing === 0) resolve()
      } catch (error) {
        reject(error)
      }
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
}

async function client(library, subject) {
  const { client } = library
  const other = `${subject}-other`
  const schema = { schemaType: 'AVRO', schema: SCHEMAS.avro }
  const wrong = { schemaType: 'AVRO', schema: SCHEMAS.avro.replace('"born","type":"int"', '"died","type":"int"') }
  const say = async (what, answer) => {
    try {
      print({ what, answer: await answer() })
    } catch (error) {
      print({ what, refused: [error.status ?? error.statusCode ?? error.response?.status, error.errorCode] })
    }
  }
  await say('register', () => client.register(subject, schema))
  await say('registerFullResponse', () => client.registerFullResponse(other, schema, true))
  await say('getId', () => client.getId(subject, schema))
  await say('getVersion', () => client.getVersion(subject, schema))
  await say('getAllVersions', () => client.getAllVersions(subject))
  await say('getLatestSchemaMetadata', () => client.getLatestSchemaMetadata(subject))
  await say('getSchemaMetadata', () => client.getSchemaMetadata(subject, 1))
  await say('getByGuid', async () => client.getByGuid((await client.getLatestSchemaMetadata(subject)).guid))
  await say('getBySubjectAndId', async () => client.getBySubjectAndId(subject, await client.getId(subject, schema)))
  await say('testCompatibility', () => client.testCompatibility(subject, 1, wrong))
  await say('testSubjectCompatibility', () => client.testSubjectCompatibility(subject, wrong))
  await say('register incompatible', () => client.register(subject, wrong))
  await say('getCompatibility', () => client.getCompatibility(subject))
  await say('updateCompatibility', () => client.updateCompatibility(subject, 'NONE'))
  await say('getCompatibility again', () => client.getCompatibility(subject))
  const config = { compatibility: 'FULL', normalize: true, compatibilityGroup: 'major' }
  await say('updateConfig', () => client.updateConfig(subject, config))
  await say('getConfig', () => client.getConfig(subject))
  await say('getDefaultCompatibility', () => client.getDefaultCompatibility())
  await say('deleteSubjectVersion', () => client.deleteSubjectVersion(other, 1))
  await say('deleteSubject permanent', () => client.deleteSubject(other, true))
  await say('deleteSubject', () => client.deleteSubject(subject))
  await say('getAllSubjects', async () => (await client.getAllSubjects()).filter(one => one.startsWith(subject)))
}

async function main([name, verb, url, ...rest]) {
  const library = LIBRARIES[name](url)
  const verbs = { write, read, client }
  await verbs[verb](library, ...rest)
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  error => {
    console.error(error)
    process.exit(1)
  },
)
