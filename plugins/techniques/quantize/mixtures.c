/* SPDX-License-Identifier: Apache-2.0 */
/* mixtures.c: the choice of llama-quantize, so that the files are the same.
 *
 * Each mixture has a type for most tensors. Some tensors get a larger one, since errors in them count more: the
 * output, the values of attention, the way down of each layer's net, in the first and the last layers above
 * all. Which layer a tensor is in is counted, in the order of adze/draft/layers.h, and not read from its name, but for models
 * of experts. */
#include "mixtures.h"

#include <stdlib.h>
#include <string.h>


/* ---- Types and mixtures. */

typedef enum type {
  NONE, /* it stays as it is */
  F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, MXFP4,
  Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS, TQ1_0, TQ2_0
} type;

/* Where rows are no multiple of a block, another type takes its place. */
static const struct {
  const char *codec;
  int64_t elements;
  type instead;
} types[] = {
  [F16] = { "f16", 1, NONE },        [BF16] = { "bf16", 1, NONE },
  [Q8_0] = { "q8_0", 32, NONE },     [Q4_0] = { "q4_0", 32, NONE },
  [Q4_1] = { "q4_1", 32, NONE },     [Q5_0] = { "q5_0", 32, NONE },
  [Q5_1] = { "q5_1", 32, NONE },     [IQ4_NL] = { "iq4_nl", 32, NONE },
  [MXFP4] = { "mxfp4", 32, NONE },   [Q2_K] = { "q2_k", 256, Q4_0 },
  [Q3_K] = { "q3_k", 256, Q4_0 },    [Q4_K] = { "q4_k", 256, Q5_0 },
  [Q5_K] = { "q5_k", 256, Q5_1 },    [Q6_K] = { "q6_k", 256, Q8_0 },
  [IQ4_XS] = { "iq4_xs", 256, IQ4_NL }, [TQ1_0] = { "tq1_0", 256, Q4_0 },
  [TQ2_0] = { "tq2_0", 256, Q4_0 },
};

typedef enum mixture {
  MIX_Q2_K, MIX_Q2_K_S, MIX_Q3_K_S, MIX_Q3_K_M, MIX_Q3_K_L, MIX_Q4_0, MIX_Q4_1, MIX_Q4_K_S, MIX_Q4_K_M, MIX_Q5_0,
  MIX_Q5_1, MIX_Q5_K_S, MIX_Q5_K_M, MIX_Q6_K, MIX_Q8_0, MIX_IQ4_NL, MIX_IQ4_XS, MIX_TQ1_0, MIX_TQ2_0, MIX_MXFP4,
  MIX_F16, MIX_BF16, MIXTURES
} mixture;

static const struct {
  const char *name;
  type most;
  uint32_t file_type;
} mixtures[MIXTURES] = {
  [MIX_Q2_K] = { "q2_k", Q2_K, 10 },       [MIX_Q2_K_S] = { "q2_k_s", Q2_K, 21 },
  [MIX_Q3_K_S] = { "q3_k_s", Q3_K, 11 },   [MIX_Q3_K_M] = { "q3_k_m", Q3_K, 12 },
  [MIX_Q3_K_L] = { "q3_k_l", Q3_K, 13 },   [MIX_Q4_0] = { "q4_0", Q4_0, 2 },
  [MIX_Q4_1] = { "q4_1", Q4_1, 3 },        [MIX_Q4_K_S] = { "q4_k_s", Q4_K, 14 },
  [MIX_Q4_K_M] = { "q4_k_m", Q4_K, 15 },   [MIX_Q5_0] = { "q5_0", Q5_0, 8 },
  [MIX_Q5_1] = { "q5_1", Q5_1, 9 },        [MIX_Q5_K_S] = { "q5_k_s", Q5_K, 16 },
  [MIX_Q5_K_M] = { "q5_k_m", Q5_K, 17 },   [MIX_Q6_K] = { "q6_k", Q6_K, 18 },
  [MIX_Q8_0] = { "q8_0", Q8_0, 7 },        [MIX_IQ4_NL] = { "iq4_nl", IQ4_NL, 25 },
  [MIX_IQ4_XS] = { "iq4_xs", IQ4_XS, 30 }, [MIX_TQ1_0] = { "tq1_0", TQ1_0, 36 },
  [MIX_TQ2_0] = { "tq2_0", TQ2_0, 37 },    [MIX_MXFP4] = { "mxfp4", MXFP4, 38 },
  [MIX_F16] = { "f16", F16, 1 },           [MIX_BF16] = { "bf16", BF16, 32 },
};

static mixture
mixture_of (const char *name)
{
  int number = 0;
  while (number < MIXTURES - 1 && strcmp (mixtures[number].name, name) != 0)
    number++;
  return (mixture)number;
}

uint32_t
mixture_file_type (const char *name)
{
  return mixtures[mixture_of (name)].file_type;
}

/* ---- What is known of the model. */

typedef struct model {
  const adze_host *host;
  const adze_outline *outline;
  const adze_meta *architecture;
  mixture mix;
  bool importance;
  bool falcon;         /* its layers differ in what they forgive */
  bool few_values;     /* eight heads share the values, which therefore take little room */
  bool own_output;     /* the output is no second use of the embedding */
  int64_t layers;      /* that the model says it has */
  int64_t heads_a_key; /* how many heads share a key and a value */
  int64_t experts;
  int64_t values;      /* tensors of attention's values; and so many were seen so far */
  int64_t seen_values, seen_downs;
} model;

static bool
is_architecture (const model *m, const char *name)
{
  const adze_text *text = &m->architecture->text;
  return text->size == strlen (name) && memcmp (text->data, name, text->size) == 0;
}

/* The number "ARCHITECTURE.KEY", or the first of a list with one for each layer. */
static bool
read_number (const model *m, const char *key, int64_t *number)
{
  char whole[256];
  const adze_text *text = &m->architecture->text;
  int length = snprintf (whole, sizeof whole, "%.*s.%s", (int)(text->size < 128 ? text->size : 128), text->data, key);
  const adze_meta *value = length > 0 ? adze_outline_of (m->host)->value (m->host, m->outline, whole) : NULL;
  uint32_t kind = value && value->type == ADZE_META_ARRAY ? value->item : value ? value->type : ADZE_META_STRING;
  size_t size = kind == ADZE_META_F32 || kind == ADZE_META_F64 ? 0 : adze_meta_number_size (kind);
  if (size == 0 || (value->type == ADZE_META_ARRAY && value->count == 0))
    return false;
  uint64_t bits = value->bits;
  if (value->type == ADZE_META_ARRAY) {
    bits = 0;
    memcpy (&bits, value->items, size);
  }
  *number = (int64_t)bits;
  return true;
}

/* The models of this kind that llama.cpp knows as such. */
static bool
has_few_values (const model *m, int64_t heads, int64_t keys)
{
  if (is_architecture (m, "llama"))
    return m->layers == 80 && heads != keys;
  if (is_architecture (m, "jais2"))
    return m->layers == 68;
  return m->layers == 80 && (is_architecture (m, "qwen2") || is_architecture (m, "deci"));
}

static adze_status
read_model (model *m)
{
  int64_t heads = 1, keys;
  m->architecture = adze_outline_of (m->host)->value (m->host, m->outline, "general.architecture");
  if (!m->architecture || m->architecture->type != ADZE_META_STRING)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "a mixture goes by the names and the metadata of GGUF, and this model has no "
                      "general.architecture; say codec = \"%s\", which goes by nothing, or convert it to GGUF before",
                      types[mixtures[m->mix].most].codec);
  if (!read_number (m, "block_count", &m->layers))
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "a mixture goes by the number of layers, and the model has no value '%.*s.block_count'",
                      (int)(m->architecture->text.size < 128 ? m->architecture->text.size : 128),
                      m->architecture->text.data);
  read_number (m, "attention.head_count", &heads);
  if (!read_number (m, "attention.head_count_kv", &keys))
    keys = heads;
  m->heads_a_key = keys > 0 ? heads / keys : 0;
  if (!read_number (m, "expert_count", &m->experts))
    m->experts = 0;
  m->falcon = is_architecture (m, "falcon");
  m->few_values = has_few_values (m, heads, keys);
  return ADZE_OK;
}

/* ---- What a tensor is, by its name. */

typedef enum role { OTHER, OUTPUT, EMBEDDING, VALUE, KEY, MIXED, DOWN } role;

static role
role_of (const char *name)
{
  /* The first that is found in the name; attention's queries only end the search. */
  static const struct {
    const char *part;
    role role;
  } parts[] = {
    { "attn_qkv.weight", VALUE }, { "attn_kv_b.weight", VALUE },   { "attn_v.weight", VALUE },
    { "attn_k.weight", KEY },     { "attn_q.weight", OTHER },      { "attn_output.weight", MIXED },
    { "ffn_up", OTHER },          { "ffn_gate", OTHER },           { "ffn_down", DOWN },
  };
  if (strcmp (name, "output.weight") == 0)
    return OUTPUT;
  if (strcmp (name, "token_embd.weight") == 0 || strcmp (name, "per_layer_token_embd.weight") == 0)
    return EMBEDDING;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strstr (name, parts[i].part))
      return parts[i].role;
  return OTHER;
}

/* Small ones, and those that errors do most harm to. */
static bool
is_left (const char *name)
{
  static const char *const parts[] = {
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj",
    "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight",
    "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight",
    "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight",
    "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
    "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight", "attn_rel_b.weight",
    ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger",
    "a.rvq.codebook", "mm.a.code_embd",
  };
  size_t length = strlen (name);
  if (length < 6 || strcmp (name + length - 6, "weight") != 0)
    return true;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
    if (strstr (name, parts[i]))
      return true;
  return strcmp (name, "position_embd.weight") == 0 || strcmp (name, "token_types.weight") == 0;
}

/* Dimensions without those of one that a shape begins with, which a file does not have. */
static int32_t
true_rank (const adze_tensor_meta *meta)
{
  int32_t first = 0;
  while (first < meta->rank && meta->shape[first] == 1)
    first++;
  return meta->rank - first;
}

static bool
takes (const adze_tensor_meta *meta)
{
  return !meta->codec && adze_dtype_is_float (meta->dtype) && meta->dtype.bits <= 32 && true_rank (meta) >= 2
         && !is_left (meta->name);
}

/* ---- The choice. */

/* The first and the last eighth, and every third of those between. */
static bool
counts_more (int64_t layer, int64_t layers)
{
  int64_t first = layers / 8;
  return layer < first || layer >= 7 * layers / 8 || (layer - first) % 3 == 2;
}

static type
for_output (const model *m, const adze_tensor_meta *meta)
{
  type most = mixtures[m->mix].most;
  bool fits = meta->shape[meta->rank - 1] % types[most].elements == 0;
  return m->mix == MIX_MXFP4 || m->falcon || !fits || most == Q8_0 ? Q8_0 : Q6_K;
}

static type
for_values (const model *m, type most, int64_t layer)
{
  bool shared = m->heads_a_key >= 4;
  switch (m->mix) {
  case MIX_Q2_K:
    return shared ? Q4_K : Q3_K;
  case MIX_Q2_K_S:
    return shared ? Q4_K : most;
  case MIX_Q3_K_M:
    return layer < 2 ? Q5_K : Q4_K;
  case MIX_Q3_K_L:
    return Q5_K;
  case MIX_IQ4_NL:
  case MIX_IQ4_XS:
    return shared ? Q5_K : most;
  case MIX_Q4_K_S:
    return layer < 4 ? Q5_K : most;
  case MIX_Q4_K_M:
  case MIX_Q5_K_M:
    return counts_more (layer, m->values) ? Q6_K : most;
  default:
    return most;
  }
}

static type
for_values_of_few (const model *m, type chosen)
{
  if (m->experts == 8)
    return Q8_0;
  return m->few_values && (chosen == Q3_K || chosen == Q4_K) ? Q5_K : chosen;
}

static type
for_down_q4_k_m (const model *m, type most, int64_t layer)
{
  bool more = counts_more (layer, m->layers);
  if (!m->falcon)
    return more ? Q6_K : most;
  return layer < m->layers / 16 ? Q6_K : more ? Q5_K : Q4_K;
}

static type
for_down (const model *m, type most, int64_t layer)
{
  bool early = layer < m->layers / 8;
  switch (m->mix) {
  case MIX_Q2_K:
    return Q3_K;
  case MIX_Q2_K_S:
    return early ? Q4_K : most;
  case MIX_Q3_K_M:
    if (layer < m->layers / 16)
      return Q5_K;
    return !m->falcon || counts_more (layer, m->layers) ? Q4_K : Q3_K;
  case MIX_Q3_K_L:
    return m->falcon ? Q4_K : Q5_K;
  case MIX_Q4_K_S:
    return early && !m->falcon ? Q5_K : most;
  case MIX_Q4_K_M:
    return for_down_q4_k_m (m, most, layer);
  case MIX_Q5_K_M:
    return counts_more (layer, m->layers) ? Q6_K : most;
  case MIX_IQ4_NL:
  case MIX_IQ4_XS:
    return early && !m->importance ? Q5_K : most;
  case MIX_Q4_0: /* by importance they may go astray in the first layers */
    return early && m->importance ? Q4_1 : most;
  case MIX_Q5_0:
    return early && m->importance ? Q5_1 : most;
  default:
    return most;
  }
}

static type
for_mixed (const model *m, type most)
{
  static const bool more_of_eight[MIXTURES] = {
    [MIX_Q2_K] = true,   [MIX_Q3_K_S] = true, [MIX_Q3_K_M] = true, [MIX_IQ4_NL] = true,
    [MIX_Q4_K_S] = true, [MIX_Q4_K_M] = true, [MIX_IQ4_XS] = true,
  };
  if (m->falcon)
    return m->mix == MIX_Q3_K_L ? Q4_K : most;
  if (m->experts == 8)
    return more_of_eight[m->mix] ? Q5_K : most;
  switch (m->mix) {
  case MIX_Q2_K:
    return Q3_K;
  case MIX_Q3_K_M:
    return Q4_K;
  case MIX_Q3_K_L:
    return Q5_K;
  default:
    return most;
  }
}

/* Experts of one layer are several tensors in older files, so there the name says which. */
static int64_t
layer_of_down (const model *m, const char *name)
{
  int64_t named = m->experts > 1 ? adze_layer_of (name) : -1;
  return named >= 0 ? named : m->seen_downs;
}

static type
for_tensor (model *m, const adze_tensor_meta *meta)
{
  type most = mixtures[m->mix].most, chosen = most;
  role is = role_of (meta->name);
  if (is == OUTPUT || (is == EMBEDDING && !m->own_output))
    return for_output (m, meta);
  if (m->mix == MIX_MXFP4)
    return true_rank (meta) > 2 ? MXFP4 : Q8_0;
  switch (is) {
  case EMBEDDING:
    return m->mix == MIX_TQ1_0 || m->mix == MIX_TQ2_0 ? Q4_K : most;
  case VALUE:
    chosen = for_values_of_few (m, for_values (m, most, m->seen_values));
    m->seen_values++;
    return chosen;
  case KEY:
    return m->experts == 8 ? Q8_0 : most;
  case MIXED:
    return for_mixed (m, most);
  case DOWN:
    chosen = for_down (m, most, layer_of_down (m, meta->name));
    m->seen_downs++;
    return chosen;
  default:
    return most;
  }
}

/* Where rows of COLUMNS do not fit. A type that nothing takes the place of is kept, for its codec to refuse. */
static type
fitting (type chosen, int64_t columns)
{
  type instead = types[chosen].instead;
  if (columns % types[chosen].elements == 0 || instead == NONE)
    return chosen;
  return columns % types[instead].elements == 0 ? instead : F16;
}

static bool
needs_importance (const model *m, type chosen, role is)
{
  return m->mix == MIX_Q2_K_S && chosen == Q2_K && is != EMBEDDING && is != OUTPUT;
}

static bool
has_type (const adze_tensor_meta *meta, type chosen)
{
  uint32_t code = chosen == BF16 ? ADZE_BFLOAT : ADZE_FLOAT;
  return (chosen == F16 || chosen == BF16) && meta->dtype.bits == 16 && meta->dtype.code == code;
}

static void
choose_one (model *m, const adze_tensor_meta *meta, mixture_choice *choice)
{
  type most = mixtures[m->mix].most;
  bool plain = most == F16 || most == BF16;
  type wanted = plain ? most : for_tensor (m, meta);
  type chosen = fitting (wanted, meta->shape[meta->rank - 1]);
  choice->wanted = chosen != wanted ? types[wanted].codec : NULL;
  choice->codec = has_type (meta, chosen) ? NULL : types[chosen].codec;
  choice->weighed = needs_importance (m, chosen, role_of (meta->name));
}

/* ---- All tensors. */

static int
compare (const void *a, const void *b)
{
  return adze_layers_compare ((*(const adze_tensor_meta *const *)a)->name,
                              (*(const adze_tensor_meta *const *)b)->name);
}

/* Those that the mixture has to do with, in METAS, and what the others tell of the model. */
static size_t
gather (model *m, const adze_tensor_meta **metas)
{
  const adze_outline_service *service = adze_outline_of (m->host);
  size_t count = 0;
  for (uint32_t i = 0; i < service->count (m->host, m->outline, 0); i++) {
    adze_pick pick = { 0, i };
    const adze_tensor_meta *meta = service->tensor (m->host, m->outline, pick);
    const char *own = adze_param_string (m->host, service->params (m->host, m->outline, pick), "codec");
    role is = role_of (meta->name);
    m->own_output |= is == OUTPUT;
    m->values += is == VALUE;
    if (!own[0] && takes (meta))
      metas[count++] = meta;
  }
  return count;
}

adze_status
mixture_choose (const adze_host *host, const adze_outline *outline, const char *name, bool importance,
                adze_entries *choices)
{
  model m = { .host = host, .outline = outline, .mix = mixture_of (name), .importance = importance };
  adze_status status = read_model (&m);
  size_t room = adze_outline_of (host)->count (host, outline, 0) + 1;
  if (status != ADZE_OK)
    return status;
  const adze_tensor_meta **metas = (const adze_tensor_meta **)malloc (room * sizeof *metas);
  if (!metas)
    return adze_fail (host, ADZE_E_MEMORY, "no room for %zu tensors", room);
  size_t count = gather (&m, metas);
  qsort (metas, count, sizeof *metas, compare);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    mixture_choice choice = { 0 };
    choose_one (&m, metas[i], &choice);
    status = adze_entries_add (host, choices, &choice, sizeof choice, metas[i]->name);
  }
  free (metas);
  return status == ADZE_OK ? adze_entries_sort (host, choices) : status;
}
