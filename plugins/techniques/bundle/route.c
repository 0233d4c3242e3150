/* SPDX-License-Identifier: Apache-2.0 */
/* bundle-route: which queries a model is for, written into its metadata. */
#include <string.h>

#include "bundle.h"

static const adze_param params[] = {
  { .name = "name", .type = ADZE_PARAM_STRING, .help = "the domain, as a router calls it" },
  { .name = "description", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "what the model knows, in a sentence; empty: not said" },
  { .name = "keywords", .type = ADZE_PARAM_LIST, .item = ADZE_PARAM_STRING, .preset = "[]",
    .help = "words that queries for it have" },
  { .name = "profile", .type = ADZE_PARAM_MAP, .item = ADZE_PARAM_FLOAT, .preset = "{}", .range = "[0, 1]",
    .help = "how much it is made for each of Plutchik's eight emotions" },
  { .name = "speed", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1e9]", .unit = "ms",
    .help = "what an answer takes, as measured; 0: not measured" },
  { .name = "quality", .type = ADZE_PARAM_FLOAT, .preset = "0", .range = "[0, 1]",
    .help = "how good its answers are; 0: not measured" },
  { .name = NULL }
};

/* In the order of the wheel, in which all of them are written, so that a reader need not look for names. */
static const char *const emotions[]
    = { "joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation" };
enum { EMOTIONS = sizeof emotions / sizeof emotions[0] };

typedef struct labelling {
  const adze_host *host;
  adze_outline *outline;
  const adze_outline_service *service;
  const adze_params *values;
} labelling;

/* VALUE NULL: it was not said, and a model that was bundled before does not keep what was said then. */
static adze_status
put (const labelling *l, const char *key, const adze_meta *value)
{
  return l->service->metadata (l->host, l->outline, (adze_text){ key, strlen (key) }, value);
}

static adze_status
put_text (const labelling *l, const char *key, const char *text)
{
  const adze_meta value = adze_meta_text (text, strlen (text));
  return put (l, key, text[0] ? &value : NULL);
}

static uint32_t
bits_of (float number)
{
  uint32_t bits;
  memcpy (&bits, &number, sizeof bits);
  return bits;
}

static adze_status
put_measured (const labelling *l, const char *key, const char *name)
{
  const double number = adze_param_float (l->host, l->values, name);
  const adze_meta value = { .type = ADZE_META_F32, .bits = bits_of ((float)number) };
  return put (l, key, number > 0 ? &value : NULL);
}

static adze_status
put_texts (const labelling *l, const char *key, const adze_text *texts, size_t count)
{
  const adze_meta value = { .type = ADZE_META_ARRAY, .item = ADZE_META_STRING, .count = count, .items = texts };
  return put (l, key, count > 0 ? &value : NULL);
}

static adze_status
put_keywords (const labelling *l)
{
  const adze_params_service *service = adze_params_of (l->host);
  const adze_params *words = service->get_nested (l->values, "keywords");
  const size_t count = service->count (words);
  if (count == 0)
    return put_texts (l, "adze.route.keywords", NULL, 0);
  adze_text *texts = (adze_text *)l->host->allocate (l->host, count * sizeof *texts);
  if (!texts)
    return adze_fail (l->host, ADZE_E_MEMORY, "no room for %zu keywords", count);
  adze_status status = ADZE_OK;
  for (size_t i = 0; i < count; i++) {
    const char *word = service->get_string (words, service->name_at (words, i));
    texts[i] = (adze_text){ word, strlen (word) };
    if (status == ADZE_OK && !word[0])
      status = adze_fail (l->host, ADZE_E_PARAM, "keyword %zu is empty; leave it out", i);
  }
  if (status == ADZE_OK)
    status = put_texts (l, "adze.route.keywords", texts, count);
  l->host->release (l->host, texts);
  return status;
}

static size_t
emotion_called (const char *name)
{
  size_t i = 0;
  while (i < EMOTIONS && strcmp (emotions[i], name) != 0)
    i++;
  return i;
}

static adze_status
put_profile (const labelling *l)
{
  const adze_params_service *service = adze_params_of (l->host);
  const adze_params *given = service->get_nested (l->values, "profile");
  uint32_t numbers[EMOTIONS] = { 0 };
  adze_text names[EMOTIONS];
  for (size_t i = 0; i < service->count (given); i++) {
    const char *name = service->name_at (given, i);
    const size_t emotion = emotion_called (name);
    if (emotion == EMOTIONS)
      return adze_fail (l->host, ADZE_E_PARAM,
                        "parameter 'profile': '%s' is none of the eight emotions, which are joy, trust, fear, "
                        "surprise, sadness, disgust, anger and anticipation",
                        name);
    numbers[emotion] = bits_of ((float)service->get_float (given, name));
  }
  for (size_t i = 0; i < EMOTIONS; i++)
    names[i] = (adze_text){ emotions[i], strlen (emotions[i]) };
  const adze_meta value
      = { .type = ADZE_META_ARRAY, .item = ADZE_META_F32, .count = EMOTIONS, .items = numbers };
  const bool said = service->count (given) > 0;
  const adze_status status = put_texts (l, "adze.route.emotions", names, said ? EMOTIONS : 0);
  return status == ADZE_OK ? put (l, "adze.route.profile", said ? &value : NULL) : status;
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  const adze_meta version = { .type = ADZE_META_U32, .bits = 1 };
  const labelling l = { host, outline, adze_outline_of (host), (const adze_params *)instance };
  const char *name = adze_param_string (host, l.values, "name");
  if (!name[0])
    return adze_fail (host, ADZE_E_PARAM, "parameter 'name' is empty, and a router needs one to choose the model by");
  adze_status status = put (&l, "adze.route.version", &version);
  if (status == ADZE_OK)
    status = put_text (&l, "adze.route.name", name);
  if (status == ADZE_OK)
    status = put_text (&l, "adze.route.description", adze_param_string (host, l.values, "description"));
  if (status == ADZE_OK)
    status = put_keywords (&l);
  if (status == ADZE_OK)
    status = put_profile (&l);
  if (status == ADZE_OK)
    status = put_measured (&l, "adze.route.speed", "speed");
  return status == ADZE_OK ? put_measured (&l, "adze.route.quality", "quality") : status;
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

const adze_component bundle_route = {
  .struct_size = sizeof bundle_route,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "bundle-route",
  .summary = "Writes into a model's metadata which queries it is for",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};
