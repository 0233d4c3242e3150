/* SPDX-License-Identifier: Apache-2.0 */
/* bundle-mend: what a GGUF file of a language model lacks and its tensors, or the rest of it, tell. */
#include <stdio.h>
#include <string.h>

#include "bundle.h"

static const adze_param params[] = {
  { .name = "name", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "general.name of a model that has none; empty: it stays without" },
  { .name = NULL }
};

enum { KEY_MOST = 160, ARCHITECTURE_MOST = 64 };

typedef struct mending {
  const adze_host *host;
  adze_outline *outline;
  const adze_outline_service *service;
  char architecture[ARCHITECTURE_MOST + 1];
} mending;

static bool
has (const mending *m, const char *key)
{
  return m->service->value (m->host, m->outline, key) != NULL;
}

static adze_status
put (const mending *m, const char *key, const adze_meta *value)
{
  return m->service->metadata (m->host, m->outline, (adze_text){ key, strlen (key) }, value);
}

/* A count that is missing under ARCHITECTURE.NAME; NUMBER 0: nobody knows it. */
static adze_status
put_count (const mending *m, const char *name, uint64_t number)
{
  char key[KEY_MOST];
  snprintf (key, sizeof key, "%s.%s", m->architecture, name);
  if (number == 0 || number > UINT32_MAX || has (m, key))
    return ADZE_OK;
  const adze_meta value = { .type = ADZE_META_U32, .bits = number };
  return put (m, key, &value);
}

static const adze_tensor_meta *
tensor_called (const mending *m, const char *name)
{
  for (uint32_t i = 0; i < m->service->count (m->host, m->outline, 0); i++) {
    const adze_tensor_meta *meta = m->service->tensor (m->host, m->outline, (adze_pick){ 0, i });
    if (strcmp (meta->name, name) == 0)
      return meta;
  }
  return NULL;
}

/* One more than the highest N of all "blk.N.". */
static uint64_t
count_blocks (const mending *m)
{
  uint64_t count = 0;
  for (uint32_t i = 0; i < m->service->count (m->host, m->outline, 0); i++) {
    const char *name = m->service->tensor (m->host, m->outline, (adze_pick){ 0, i })->name;
    unsigned number;
    char behind;
    if (sscanf (name, "blk.%5u%c", &number, &behind) == 2 && behind == '.' && number >= count)
      count = (uint64_t)number + 1;
  }
  return count;
}

/* Dimension INDEX of a matrix; 0: there is no such matrix. */
static uint64_t
side_of (const mending *m, const char *name, int index)
{
  const adze_tensor_meta *meta = tensor_called (m, name);
  return meta && meta->rank == 2 ? (uint64_t)meta->shape[index] : 0;
}

/* The width of the inner layer is told by its way back: on the way in, some families have the gate in the same tensor. */
static adze_status
mend_configuration (const mending *m)
{
  adze_status status = put_count (m, "block_count", count_blocks (m));
  if (status == ADZE_OK)
    status = put_count (m, "embedding_length", side_of (m, "token_embd.weight", 1));
  if (status == ADZE_OK)
    status = put_count (m, "vocab_size", side_of (m, "token_embd.weight", 0));
  return status == ADZE_OK ? put_count (m, "feed_forward_length", side_of (m, "blk.0.ffn_down.weight", 1)) : status;
}

/* Is it a whole number, and not below zero? Numbers with signs have theirs in their own width. */
static bool
is_count (const adze_meta *value)
{
  switch (value->type) {
  case ADZE_META_U8:
  case ADZE_META_U16:
  case ADZE_META_U32:
  case ADZE_META_U64:
    return true;
  case ADZE_META_I8:
    return !(value->bits >> 7 & 1);
  case ADZE_META_I16:
    return !(value->bits >> 15 & 1);
  case ADZE_META_I32:
    return !(value->bits >> 31 & 1);
  case ADZE_META_I64:
    return !(value->bits >> 63);
  default:
    return false;
  }
}

/* The number under KEY, if it is that of a token: what has no row in the embedding is none. */
static bool
find_token (const mending *m, const char *key, uint64_t *token)
{
  const adze_meta *value = m->service->value (m->host, m->outline, key);
  const uint64_t rows = side_of (m, "token_embd.weight", 0);
  if (!value || !is_count (value) || value->bits >= (rows > 0 ? rows : UINT32_MAX))
    return false;
  *token = value->bits;
  return true;
}

/* What ends a text may fill one up as well: whoever reads on behind it would have stopped anyway. */
static adze_status
mend_padding (const mending *m)
{
  static const char key[] = "tokenizer.ggml.padding_token_id";
  uint64_t token;
  if (has (m, key) || !has (m, "tokenizer.ggml.model")
      || (!find_token (m, "tokenizer.ggml.eos_token_id", &token)
          && !find_token (m, "tokenizer.ggml.unknown_token_id", &token)))
    return ADZE_OK;
  const adze_meta value = { .type = ADZE_META_U32, .bits = token };
  return put (m, key, &value);
}

static adze_status
mend_name (const mending *m, const adze_params *values)
{
  const char *name = adze_param_string (m->host, values, "name");
  if (!name[0] || has (m, "general.name"))
    return ADZE_OK;
  const adze_meta value = adze_meta_text (name, strlen (name));
  return put (m, "general.name", &value);
}

/* All other keys of the configuration begin with its name, and what a network is can be told from nothing else. */
static adze_status
read_architecture (mending *m)
{
  const adze_meta *value = m->service->value (m->host, m->outline, "general.architecture");
  if (!value || value->type != ADZE_META_STRING || value->text.size == 0 || value->text.size > ARCHITECTURE_MOST)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "the model does not say what it is: needed is general.architecture, a text of 1 to %d bytes; "
                      "it cannot be told from tensors",
                      ARCHITECTURE_MOST);
  memcpy (m->architecture, value->text.data, (size_t)value->text.size);
  m->architecture[value->text.size] = '\0';
  return ADZE_OK;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  mending m = { .host = host, .outline = outline, .service = adze_outline_of (host) };
  adze_status status = read_architecture (&m);
  if (status == ADZE_OK)
    status = mend_name (&m, (const adze_params *)instance);
  if (status == ADZE_OK)
    status = mend_configuration (&m);
  return status == ADZE_OK ? mend_padding (&m) : status;
}

/* The parameters are all that there is to know, and outlive the instance. */
static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  (void)host;
  *instance = (void *)values;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  (void)host;
  (void)instance;
}

static const char *const preserves[]
    = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_ELEMENT,
  .preserves = preserves,
  .create = create,
  .destroy = destroy,
  .describe = describe,
};

const adze_component bundle_mend = {
  .struct_size = sizeof bundle_mend,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "bundle-mend",
  .summary = "Adds what a language model's configuration lacks and its tensors tell",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};
