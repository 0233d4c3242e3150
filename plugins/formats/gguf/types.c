/* SPDX-License-Identifier: Apache-2.0 */
/* types.c: every type that ggml has or had (0.25), by its number. */
#include "gguf.h"

#define PLAIN(name, code, bits) \
  { \
    name, NULL, { code, bits, 1 }, 1, (bits) / 8 \
  }
#define BLOCKS(name, elements, bytes) \
  { \
    name, NULL, { ADZE_OPAQUE, 8, 1 }, elements, bytes \
  }
#define GONE(name, gone) \
  { \
    name, gone, { ADZE_OPAQUE, 8, 1 }, 0, 0 \
  }

#define REPACKED \
  "; such files were made for one kind of processor, and programs of today rearrange "

static const gguf_type types[] = {
  [0] = PLAIN ("f32", ADZE_FLOAT, 32),
  [1] = PLAIN ("f16", ADZE_FLOAT, 16),
  [2] = BLOCKS ("q4_0", 32, 18),
  [3] = BLOCKS ("q4_1", 32, 20),
  [4] = GONE ("q4_2", "; quantise the original model again"),
  [5] = GONE ("q4_3", "; quantise the original model again"),
  [6] = BLOCKS ("q5_0", 32, 22),
  [7] = BLOCKS ("q5_1", 32, 24),
  [8] = BLOCKS ("q8_0", 32, 34),
  [9] = BLOCKS ("q8_1", 32, 36),
  [10] = BLOCKS ("q2_k", 256, 84),
  [11] = BLOCKS ("q3_k", 256, 110),
  [12] = BLOCKS ("q4_k", 256, 144),
  [13] = BLOCKS ("q5_k", 256, 176),
  [14] = BLOCKS ("q6_k", 256, 210),
  [15] = BLOCKS ("q8_k", 256, 292),
  [16] = BLOCKS ("iq2_xxs", 256, 66),
  [17] = BLOCKS ("iq2_xs", 256, 74),
  [18] = BLOCKS ("iq3_xxs", 256, 98),
  [19] = BLOCKS ("iq1_s", 256, 50),
  [20] = BLOCKS ("iq4_nl", 32, 18),
  [21] = BLOCKS ("iq3_s", 256, 110),
  [22] = BLOCKS ("iq2_s", 256, 82),
  [23] = BLOCKS ("iq4_xs", 256, 136),
  [24] = PLAIN ("i8", ADZE_INT, 8),
  [25] = PLAIN ("i16", ADZE_INT, 16),
  [26] = PLAIN ("i32", ADZE_INT, 32),
  [27] = PLAIN ("i64", ADZE_INT, 64),
  [28] = PLAIN ("f64", ADZE_FLOAT, 64),
  [29] = BLOCKS ("iq1_m", 256, 56),
  [30] = PLAIN ("bf16", ADZE_BFLOAT, 16),
  [31] = GONE ("q4_0_4_4", REPACKED "q4_0 themselves: take the model in q4_0"),
  [32] = GONE ("q4_0_4_8", REPACKED "q4_0 themselves: take the model in q4_0"),
  [33] = GONE ("q4_0_8_8", REPACKED "q4_0 themselves: take the model in q4_0"),
  [34] = BLOCKS ("tq1_0", 256, 54),
  [35] = BLOCKS ("tq2_0", 256, 66),
  [36] = GONE ("iq4_nl_4_4", REPACKED "iq4_nl themselves: take the model in iq4_nl"),
  [37] = GONE ("iq4_nl_4_8", REPACKED "iq4_nl themselves: take the model in iq4_nl"),
  [38] = GONE ("iq4_nl_8_8", REPACKED "iq4_nl themselves: take the model in iq4_nl"),
  [39] = BLOCKS ("mxfp4", 32, 17),
  [40] = BLOCKS ("nvfp4", 64, 36),
  [41] = BLOCKS ("q1_0", 128, 18),
  [42] = BLOCKS ("q2_0", 64, 18),
};

#define COUNT ((uint32_t)(sizeof types / sizeof types[0]))

const gguf_type *
gguf_type_of_number (uint32_t number)
{
  return number < COUNT ? &types[number] : NULL;
}

const char *
gguf_shown (const char *data, uint64_t size, char shown[GGUF_SHOWN])
{
  size_t length = 0;
  for (; length < size && length < GGUF_SHOWN - 1; length++) {
    unsigned char c = (unsigned char)data[length];
    shown[length] = c < 0x20 || c == 0x7f || c == '\'' ? '?' : (char)c;
  }
  shown[length] = '\0';
  if (length == size)
    return shown;
  /* Cut in the middle of a character, it would be no text any more. */
  length -= 3;
  while (length > 0 && ((unsigned char)data[length] & 0xc0) == 0x80)
    length--;
  memcpy (shown + length, "...", 4);
  return shown;
}

/* What a tensor's elements are, for the message that says that GGUF has no such type. */
static const char *
word_of (const adze_tensor_meta *meta, char word[64])
{
  static const char *const codes[]
      = { "int", "uint", "float", "opaque", "bfloat", "complex", "bool" };
  if (meta->codec)
    snprintf (word, 64, "%.63s", meta->codec);
  else if (meta->dtype.code < sizeof codes / sizeof codes[0])
    snprintf (word, 64, "%s%u", codes[meta->dtype.code], meta->dtype.bits);
  else
    snprintf (word, 64, "%u-bit floats (DLPack's type %u)", meta->dtype.bits, meta->dtype.code);
  return word;
}

static bool
same_plain (const gguf_type *type, const adze_tensor_meta *meta)
{
  return type->dtype.code == meta->dtype.code && type->dtype.bits == meta->dtype.bits
         && meta->dtype.lanes == 1;
}

static adze_status
unknown_type (const adze_host *host, const adze_tensor_meta *meta)
{
  char word[64], shown[GGUF_SHOWN];
  word_of (meta, word);
  gguf_shown (meta->name, strlen (meta->name), shown);
  if (meta->codec)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' is written in %s, which is no type of GGUF", shown, word);
  return adze_fail (
      host, ADZE_E_UNSUPPORTED,
      "tensor '%s' is %s, for which GGUF has no type; it has f32, f16, bf16, f64, i8, "
      "i16, i32, i64 and blocks such as q4_k",
      shown, word);
}

/* The blocks themselves, and whether rows can be cut into them. */
static adze_status
check_blocks (const adze_host *host, const gguf_type *type, const adze_tensor_meta *meta)
{
  char shown[GGUF_SHOWN];
  gguf_shown (meta->name, strlen (meta->name), shown);
  if (meta->block_elements != type->elements || meta->block_bytes != type->bytes)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "tensor '%s' has blocks of %u elements in %u bytes, GGUF's %s has %u in %u",
                      shown, meta->block_elements, meta->block_bytes, type->name, type->elements,
                      type->bytes);
  if (meta->rank < 1 || meta->shape[meta->rank - 1] % type->elements != 0)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "rows of tensor '%s' have %" PRId64 " elements, %s needs a multiple of %u",
                      shown, meta->rank < 1 ? 1 : meta->shape[meta->rank - 1], type->name,
                      type->elements);
  return ADZE_OK;
}

adze_status
gguf_type_of_meta (const adze_host *host, const adze_tensor_meta *meta, uint32_t *number)
{
  for (uint32_t i = 0; i < COUNT; i++) {
    const gguf_type *type = &types[i];
    bool blocks = type->dtype.code == ADZE_OPAQUE;
    if (type->gone || blocks != !!meta->codec
        || (blocks ? strcmp (type->name, meta->codec) != 0 : !same_plain (type, meta)))
      continue;
    *number = i;
    return blocks ? check_blocks (host, type, meta) : ADZE_OK;
  }
  return unknown_type (host, meta);
}
