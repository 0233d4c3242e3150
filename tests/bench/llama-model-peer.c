/* SPDX-License-Identifier: Apache-2.0 */
/* llama-model-peer FILE [KEY=VALUE]...: writes a GGUF file in the shape of a language model, its numbers drawn
 * from a seed: nearly normal, one in 1024 eight times as large. Its tensors come in the order in which they are
 * converted, which is not that of llama-quantize.
 *   arch=llama layers=8 width=2048 ff=5632 heads=32 keys=8 vocab=32000 experts=0 tied=0 seed=1
 *   type=f16    of matrices; or f32, bf16
 *   imatrix=    old or gguf: FILE is instead what llama-imatrix would write for this model, in that form
 * The model that these make has 492 M weights in 983 MB. */
#include <adze/half.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 96, TENSORS_MOST = 4096, PIECE = 1 << 16 };

typedef struct tensor {
  char name[NAME];
  uint64_t shape[3]; /* as in the file: what changes fastest first */
  uint32_t rank;
  uint32_t type; /* of GGUF */
} tensor;

typedef struct model {
  const char *arch, *type, *imatrix;
  uint64_t layers, width, ff, heads, keys, vocab, experts, tied, seed;
  tensor tensors[TENSORS_MOST];
  size_t count;
  uint64_t head; /* bytes so far */
  FILE *file;
} model;

static void
stop (const char *what, const char *with)
{
  fprintf (stderr, "llama-model-peer: %s: %s\n", what, with);
  exit (1);
}

/* ---- Bytes. */

static void
put (model *m, const void *bytes, size_t size)
{
  if (size > 0 && fwrite (bytes, size, 1, m->file) != 1)
    stop ("the file", "cannot be written");
  m->head += size;
}

static void
put_u32 (model *m, uint32_t number)
{
  put (m, &number, sizeof number);
}

static void
put_u64 (model *m, uint64_t number)
{
  put (m, &number, sizeof number);
}

static void
put_text (model *m, const char *text)
{
  put_u64 (m, strlen (text));
  put (m, text, strlen (text));
}

static void
put_padding (model *m)
{
  static const char zeros[32];
  put (m, zeros, (32 - m->head % 32) % 32);
}

/* ---- Metadata. */

static void
key (model *m, const char *name, uint32_t type)
{
  put_text (m, name);
  put_u32 (m, type);
}

static void
key_u32 (model *m, const char *name, uint32_t number)
{
  key (m, name, 4);
  put_u32 (m, number);
}

static void
key_text (model *m, const char *name, const char *text)
{
  key (m, name, 8);
  put_text (m, text);
}

static void
key_of_arch (model *m, const char *name, uint32_t number)
{
  char whole[128];
  snprintf (whole, sizeof whole, "%s.%s", m->arch, name);
  key_u32 (m, whole, number);
}

static void
key_epsilon (model *m)
{
  char whole[128];
  const float epsilon = 1e-5f;
  bool plain = strcmp (m->arch, "falcon") == 0;
  snprintf (whole, sizeof whole, "%s.attention.layer_norm_%sepsilon", m->arch, plain ? "" : "rms_");
  key (m, whole, 6);
  put (m, &epsilon, sizeof epsilon);
}

static void
key_texts (model *m, const char *name, const char *const *texts, size_t count)
{
  key (m, name, 9);
  put_u32 (m, 8);
  put_u64 (m, count);
  for (size_t i = 0; i < count; i++)
    put_text (m, texts[i]);
}

/* general.file_type in the middle, so that it shows where it goes. */
static void
put_metadata (model *m)
{
  static const char *const tokens[] = { "<s>", "</s>", "<unk>", "a" };
  put_u64 (m, m->experts ? 16 : 14);
  key_text (m, "general.architecture", m->arch);
  key_text (m, "general.name", "drawn from a seed");
  key_u32 (m, "general.file_type", strcmp (m->type, "f32") == 0 ? 0 : strcmp (m->type, "f16") == 0 ? 1 : 32);
  key_of_arch (m, "block_count", (uint32_t)m->layers);
  key_of_arch (m, "context_length", 2048);
  key_of_arch (m, "embedding_length", (uint32_t)m->width);
  key_of_arch (m, "feed_forward_length", (uint32_t)m->ff);
  key_of_arch (m, "attention.head_count", (uint32_t)m->heads);
  key_of_arch (m, "attention.head_count_kv", (uint32_t)m->keys);
  key_epsilon (m);
  key_of_arch (m, "rope.dimension_count", (uint32_t)(m->width / m->heads));
  if (m->experts) {
    key_of_arch (m, "expert_count", (uint32_t)m->experts);
    key_of_arch (m, "expert_used_count", 2);
  }
  key_of_arch (m, "vocab_size", (uint32_t)m->vocab);
  key_text (m, "tokenizer.ggml.model", "no_vocab");
  key_texts (m, "tokenizer.ggml.tokens", tokens, sizeof tokens / sizeof tokens[0]);
}

/* ---- Tensors. */

static uint32_t
matrix_type (const model *m)
{
  return strcmp (m->type, "f32") == 0 ? 0 : strcmp (m->type, "f16") == 0 ? 1 : 30;
}

/* LAYER -1: of none; ROWS 0: a vector, in f32. */
static void
add (model *m, int64_t layer, const char *name, uint64_t columns, uint64_t rows, uint64_t experts)
{
  if (m->count == TENSORS_MOST)
    stop ("the model", "it would have too many tensors");
  tensor *t = &m->tensors[m->count++];
  if (layer < 0)
    snprintf (t->name, sizeof t->name, "%s.weight", name);
  else
    snprintf (t->name, sizeof t->name, "blk.%d.%s.weight", (int)layer, name);
  t->shape[0] = columns;
  t->shape[1] = rows ? rows : 1;
  t->shape[2] = experts ? experts : 1;
  t->rank = experts ? 3 : rows ? 2 : 1;
  t->type = rows ? matrix_type (m) : 0;
}

static void
add_layer (model *m, int64_t layer)
{
  uint64_t narrow = m->width / m->heads * m->keys;
  add (m, layer, "attn_norm", m->width, 0, 0);
  add (m, layer, m->experts ? "ffn_down_exps" : "ffn_down", m->ff, m->width, m->experts);
  add (m, layer, m->experts ? "ffn_gate_exps" : "ffn_gate", m->width, m->ff, m->experts);
  add (m, layer, m->experts ? "ffn_up_exps" : "ffn_up", m->width, m->ff, m->experts);
  if (m->experts)
    add (m, layer, "ffn_gate_inp", m->width, m->experts, 0);
  add (m, layer, "ffn_norm", m->width, 0, 0);
  add (m, layer, "attn_k", m->width, narrow, 0);
  add (m, layer, "attn_output", m->width, m->width, 0);
  add (m, layer, "attn_q", m->width, m->width, 0);
  add (m, layer, "attn_v", m->width, narrow, 0);
}

static void
add_all (model *m)
{
  if (!m->tied)
    add (m, -1, "output", m->width, m->vocab, 0);
  add (m, -1, "token_embd", m->width, m->vocab, 0);
  for (uint64_t i = 0; i < m->layers; i++)
    add_layer (m, (int64_t)i);
  add (m, -1, "output_norm", m->width, 0, 0);
}

static uint64_t
elements_of (const tensor *t)
{
  return t->shape[0] * t->shape[1] * t->shape[2];
}

static uint64_t
bytes_of (const tensor *t)
{
  return elements_of (t) * (t->type == 0 ? 4 : 2);
}

static void
put_entries (model *m, const tensor *tensors, size_t count)
{
  uint64_t offset = 0;
  for (size_t i = 0; i < count; i++) {
    const tensor *t = &tensors[i];
    put_text (m, t->name);
    put_u32 (m, t->rank);
    put (m, t->shape, t->rank * sizeof t->shape[0]);
    put_u32 (m, t->type);
    put_u64 (m, offset);
    offset += (bytes_of (t) + 31) / 32 * 32;
  }
  put_padding (m);
}

static uint64_t
draw (uint64_t *state)
{
  uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* Four uniform ones together. */
static float
draw_weight (uint64_t *state)
{
  uint64_t bits = draw (state);
  int32_t sum = (int32_t)(bits & 0xffff) + (int32_t)(bits >> 16 & 0xffff) + (int32_t)(bits >> 32 & 0xffff)
                + (int32_t)(bits >> 48) - 131070;
  float value = (float)sum * (0.02f / 37837.0f);
  return (bits * 0x2545f491 >> 54 & 1023) == 0 ? 8 * value : value;
}

static void
put_numbers (model *m, const tensor *t, uint64_t *state)
{
  static float values[PIECE];
  static uint16_t halves[PIECE];
  size_t count = 0;
  for (uint64_t left = elements_of (t); left > 0; left -= count) {
    count = left < PIECE ? (size_t)left : PIECE;
    for (size_t i = 0; i < count; i++)
      values[i] = t->rank == 1 ? 1 + draw_weight (state) : draw_weight (state);
    if (t->type == 1)
      adze_half_from_floats (halves, values, count);
    else if (t->type == 30)
      adze_bfloat_from_floats (halves, values, count);
    put (m, t->type == 0 ? (void *)values : halves, count * (t->type == 0 ? 4 : 2));
  }
  put_padding (m);
}

static void
put_model (model *m)
{
  put (m, "GGUF", 4);
  put_u32 (m, 3);
  put_u64 (m, m->count);
  put_metadata (m);
  put_entries (m, m->tensors, m->count);
  for (size_t i = 0; i < m->count; i++) {
    uint64_t state = m->seed << 32 | i;
    put_numbers (m, &m->tensors[i], &state);
  }
}

/* ---- Importance: sums of squares over CALLS calls, of each column of each matrix but the embedding; the second
 * expert was never asked. */

enum { CALLS = 7, CHUNKS = 5 };

static bool
has_importance (const tensor *t)
{
  return t->rank > 1 && strcmp (t->name, "token_embd.weight") != 0;
}

static size_t
count_important (const model *m)
{
  size_t count = 0;
  for (size_t i = 0; i < m->count; i++)
    count += has_importance (&m->tensors[i]);
  return count;
}

static void
put_sums (model *m, const tensor *t, size_t number)
{
  uint64_t state = m->seed << 32 | (number + TENSORS_MOST);
  for (uint64_t i = 0; i < t->shape[0] * t->shape[2]; i++) {
    float drawn = 100 * draw_weight (&state), sum = i % 97 == 5 ? 0 : drawn * drawn * CALLS;
    if (i / t->shape[0] == 1)
      sum = 0;
    put (m, &sum, sizeof sum);
  }
}

static void
put_old (model *m)
{
  const char *data = "some-text.txt";
  put_u32 (m, (uint32_t)count_important (m));
  for (size_t i = 0; i < m->count; i++) {
    const tensor *t = &m->tensors[i];
    if (!has_importance (t))
      continue;
    put_u32 (m, (uint32_t)strlen (t->name));
    put (m, t->name, strlen (t->name));
    put_u32 (m, CALLS);
    put_u32 (m, (uint32_t)(t->shape[0] * t->shape[2]));
    put_sums (m, t, i);
  }
  put_u32 (m, CHUNKS);
  put_u32 (m, (uint32_t)strlen (data));
  put (m, data, strlen (data));
}

static void
put_imatrix_metadata (model *m)
{
  static const char *const sets[] = { "some-text.txt", "more.txt" };
  put_u64 (m, 4);
  key_text (m, "general.type", "imatrix");
  key_texts (m, "imatrix.datasets", sets, 2);
  key_u32 (m, "imatrix.chunk_count", CHUNKS);
  key_u32 (m, "imatrix.chunk_size", 512);
}

static void
put_new (model *m)
{
  static tensor parts[2 * TENSORS_MOST];
  size_t count = 0;
  for (size_t i = 0; i < m->count; i++) {
    const tensor *t = &m->tensors[i];
    if (!has_importance (t))
      continue;
    parts[count] = (tensor){ .shape = { t->shape[0], t->shape[2], 1 }, .rank = 2 };
    snprintf (parts[count++].name, NAME, "%.80s.in_sum2", t->name);
    parts[count] = (tensor){ .shape = { 1, t->shape[2], 1 }, .rank = 2 };
    snprintf (parts[count++].name, NAME, "%.80s.counts", t->name);
  }
  put (m, "GGUF", 4);
  put_u32 (m, 3);
  put_u64 (m, count);
  put_imatrix_metadata (m);
  put_entries (m, parts, count);
  for (size_t i = 0; i < m->count; i++) {
    const tensor *t = &m->tensors[i];
    if (!has_importance (t))
      continue;
    put_sums (m, t, i);
    put_padding (m);
    for (uint64_t k = 0; k < t->shape[2]; k++) {
      float calls = k == 1 ? 0 : CALLS;
      put (m, &calls, sizeof calls);
    }
    put_padding (m);
  }
}

/* ---- Settings. */

static void
set (model *m, const char *text)
{
  const struct {
    const char *name;
    const char **word;
    uint64_t *number;
  } settings[] = {
    { "arch", &m->arch, NULL },      { "type", &m->type, NULL },       { "imatrix", &m->imatrix, NULL },
    { "layers", NULL, &m->layers },  { "width", NULL, &m->width },     { "ff", NULL, &m->ff },
    { "heads", NULL, &m->heads },    { "keys", NULL, &m->keys },       { "vocab", NULL, &m->vocab },
    { "experts", NULL, &m->experts }, { "tied", NULL, &m->tied },      { "seed", NULL, &m->seed },
  };
  size_t length = strcspn (text, "=");
  for (size_t i = 0; text[length] && i < sizeof settings / sizeof settings[0]; i++) {
    if (strlen (settings[i].name) != length || memcmp (settings[i].name, text, length) != 0)
      continue;
    if (settings[i].word)
      *settings[i].word = text + length + 1;
    else
      *settings[i].number = strtoull (text + length + 1, NULL, 10);
    return;
  }
  stop (text, "there is no such setting");
}

int
main (int argc, char **argv)
{
  static model m = { .arch = "llama", .type = "f16", .layers = 8,   .width = 2048, .ff = 5632,
                     .heads = 32,     .keys = 8,     .vocab = 32000, .seed = 1 };
  if (argc < 2)
    stop ("usage", "llama-model-peer FILE [KEY=VALUE]...");
  for (int i = 2; i < argc; i++)
    set (&m, argv[i]);
  m.file = fopen (argv[1], "wb");
  if (!m.file)
    stop (argv[1], "cannot be written");
  add_all (&m);
  if (!m.imatrix)
    put_model (&m);
  else if (strcmp (m.imatrix, "old") == 0)
    put_old (&m);
  else
    put_new (&m);
  if (fclose (m.file) != 0)
    stop (argv[1], "cannot be written");
  return 0;
}
