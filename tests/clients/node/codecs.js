// The codecs that kafkajs leaves to its users, in JavaScript and WebAssembly,
// so that nothing is compiled or fetched when they are installed.
'use strict'

const { CompressionCodecs, CompressionTypes } = require('kafkajs')
const lz4 = require('lz4js')
const snappy = require('snappyjs')
const zstd = require('@bokuweb/zstd-wasm')

// Kafka's Java client frames snappy blocks as xerial's library does.
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

function snappyDecompress(buffer) {
  if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    return Buffer.from(snappy.uncompress(buffer))
  }
  const blocks = []
  for (let at = XERIAL_HEADER_BYTES; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    blocks.push(Buffer.from(snappy.uncompress(buffer.subarray(at + 4, at + 4 + length))))
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

// lz4js marks its blocks as depending on each other, which Kafka refuses. A frame
// of one block depends on nothing, so its descriptor may say so: flags, block
// size and the descriptor's checksum for "independent blocks of up to 4 MiB".
const LZ4_INDEPENDENT = Buffer.from([0x60, 0x70, 0x73])
const LZ4_BLOCK_BYTES_MAX = 4 << 20

function lz4Compress(buffer) {
  if (buffer.length > LZ4_BLOCK_BYTES_MAX) throw new Error(`${buffer.length} bytes do not fit into one LZ4 block`)
  const frame = Buffer.from(lz4.compress(buffer))
  LZ4_INDEPENDENT.copy(frame, 4)
  return frame
}

// lz4js reads frames of several blocks that depend on each other wrongly, so
// frames are read here: blocks go one after another into a single buffer, where
// a match may reach back into the block before.
function lz4Decompress(frame) {
  if (frame.readUInt32LE(0) !== 0x184d2204) throw new Error('not an LZ4 frame')
  const flags = frame[4]
  const blockChecksumBytes = flags & 0x10 ? 4 : 0
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  let out = Buffer.alloc(Math.max(64 * 1024, frame.length * 4))
  let length = 0
  for (;;) {
    const word = frame.readUInt32LE(at)
    at += 4
    if (word === 0) return out.subarray(0, length)
    const block = frame.subarray(at, at + (word & 0x7fffffff))
    at += block.length + blockChecksumBytes
    if (word & 0x80000000) {
      out = withRoom(out, length, block.length)
      length += block.copy(out, length)
    } else {
      ;[out, length] = lz4Block(block, out, length)
    }
  }
}

function withRoom(out, length, more) {
  if (length + more <= out.length) return out
  const larger = Buffer.alloc(Math.max(out.length * 2, length + more))
  out.copy(larger, 0, 0, length)
  return larger
}

function lz4Block(block, out, length) {
  let at = 0
  const extended = nibble => {
    let total = nibble
    if (nibble === 15) {
      let byte
      do {
        byte = block[at++]
        total += byte
      } while (byte === 255)
    }
    return total
  }
  while (at < block.length) {
    const token = block[at++]
    const literals = extended(token >> 4)
    out = withRoom(out, length, literals)
    length += block.copy(out, length, at, at + literals)
    at += literals
    // The last sequence of a block has literals only.
    if (at >= block.length) break
    const distance = block.readUInt16LE(at)
    at += 2
    const match = extended(token & 15) + 4
    out = withRoom(out, length, match)
    // Byte by byte: source and target overlap where the distance is the shorter one.
    for (let end = length + match; length < end; length++) out[length] = out[length - distance]
  }
  return [out, length]
}

// What a frame of zstd may come to if it does not say.
const ZSTD_BYTES_MAX = 8 << 20

/** Registers the codecs; zstd's module has to be instantiated before its first use. */
async function register() {
  await zstd.init()
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async encoder => Buffer.from(snappy.compress(encoder.buffer)),
    decompress: async buffer => snappyDecompress(buffer),
  })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async encoder => lz4Compress(encoder.buffer),
    decompress: async buffer => lz4Decompress(buffer),
  })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async encoder => Buffer.from(zstd.compress(encoder.buffer)),
    decompress: async buffer => Buffer.from(zstd.decompress(buffer, { defaultHeapSize: ZSTD_BYTES_MAX })),
  })
}

const TYPES = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

module.exports = { register, TYPES }
