/* SPDX-License-Identifier: Apache-2.0 */
/* build-model: from a line of words to a layer. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layers.h"

/* What may stand behind the first words of a layer. */
enum {
  STRIDE = 1,
  PAD = 2,
  DILATION = 4,
  GROUPS = 8,
  INIT = 16,
  NO_BIAS = 32,
  ACTIVATE = 64,
  LAST = 128,
  CAUSAL = 256,
  EPSILON = 512
};

static const char activations[] = "relu|gelu|sigmoid|tanh|silu|softmax";

static const struct {
  unsigned bit;
  const char *help;
} options[] = {
  { STRIDE, "stride N" },     { PAD, "pad N, pad same" }, { DILATION, "dilation N" },
  { GROUPS, "groups N" },     { INIT, "init NAME" },      { NO_BIAS, "no-bias" },
  { LAST, "last" },           { CAUSAL, "causal" },       { EPSILON, "epsilon X" },
  { ACTIVATE, "relu, gelu, sigmoid, tanh, silu, softmax" },
};

/* ---- Words. */

enum { WORDS = 16 };

typedef struct line {
  const adze_host *host;
  size_t number;
  build_layer *layer;
  char buffer[BUILD_TEXT];
  const char *words[WORDS];
  size_t count, at;
} line;

int
build_choice (const char *choices, const char *word)
{
  size_t length = strlen (word);
  int number = 0;
  for (const char *at = choices; *at; number++) {
    size_t size = strcspn (at, "|");
    if (size == length && memcmp (at, word, size) == 0)
      return number;
    at += size + (at[size] == '|');
  }
  return -1;
}

/* "layers[3] "conv 32 3y3": word 3, '3y3', REASON" */
static adze_status
mistake (const line *l, const char *reason)
{
  if (l->at >= l->count)
    return adze_fail (l->host, ADZE_E_PARAM, "layers[%zu] \"%s\": behind the last word %s",
                      l->number, l->layer->text, reason);
  return adze_fail (l->host, ADZE_E_PARAM, "layers[%zu] \"%s\": word %zu, '%s', %s", l->number,
                    l->layer->text, l->at + 1, l->words[l->at], reason);
}

static adze_status
split (line *l, const char *text)
{
  if (strlen (text) >= BUILD_TEXT)
    return adze_fail (l->host, ADZE_E_PARAM, "layers[%zu] \"%.40s...\" is longer than %d bytes",
                      l->number, text, BUILD_TEXT - 1);
  strcpy (l->layer->text, text);
  strcpy (l->buffer, text);
  for (char *at = l->buffer; *at;) {
    at += strspn (at, " \t");
    if (!*at)
      break;
    if (l->count == WORDS)
      return adze_fail (l->host, ADZE_E_PARAM, "layers[%zu] \"%s\" has more than %d words",
                        l->number, text, WORDS);
    l->words[l->count++] = at;
    at += strcspn (at, " \t");
    if (*at)
      *at++ = '\0';
  }
  return ADZE_OK;
}

static const char *
word (const line *l)
{
  return l->at < l->count ? l->words[l->at] : "";
}

/* ---- Numbers. */

/* A whole number from LEAST on, as far as END, which it must not stop short of. */
static bool
parse_whole (const char *text, int64_t least, const char **end, int64_t *into)
{
  char *stop;
  errno = 0;
  if (*text < '0' || *text > '9')
    return false;
  long long number = strtoll (text, &stop, 10);
  *end = stop;
  *into = number;
  return errno == 0 && number >= least && number <= BUILD_MOST;
}

static adze_status
read_whole (line *l, int64_t least, const char *what, int64_t *into)
{
  const char *end = "";
  if (parse_whole (word (l), least, &end, into) && !*end) {
    l->at++;
    return ADZE_OK;
  }
  char reason[120];
  snprintf (reason, sizeof reason, "is where %s should be, a whole number from %lld on",
            what, (long long)least);
  if (l->at >= l->count)
    snprintf (reason, sizeof reason, "%s is missing, a whole number from %lld on", what,
              (long long)least);
  return mistake (l, reason);
}

/* "3", for all dimensions, or "3x5". */
static adze_status
read_sizes (line *l, int64_t least, const char *what, int64_t into[BUILD_SPATIAL])
{
  const char *end = "";
  char reason[120];
  if (parse_whole (word (l), least, &end, &into[0])) {
    into[1] = into[0];
    if (!*end || (*end == 'x' && parse_whole (end + 1, least, &end, &into[1]) && !*end)) {
      l->at++;
      return ADZE_OK;
    }
  }
  snprintf (reason, sizeof reason, "%s %s, as 3 or 3x5, from %lld on",
            l->at < l->count ? "should be" : "is missing", what, (long long)least);
  return mistake (l, reason);
}

static adze_status
read_real (line *l, const char *what, double least, double below, double *into)
{
  char *end, reason[120];
  *into = strtod (word (l), &end);
  if (end > word (l) && !*end && *into >= least && *into < below) {
    l->at++;
    return ADZE_OK;
  }
  snprintf (reason, sizeof reason, "%s %s, from %g to below %g",
            l->at < l->count ? "should be" : "is missing:", what, least, below);
  return mistake (l, reason);
}

/* ---- What stands behind. */

static adze_status
unknown_option (const line *l, unsigned allowed)
{
  char reason[400] = "is not known here; there can be: ";
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (allowed & options[i].bit) {
      size_t size = strlen (reason);
      snprintf (reason + size, sizeof reason - size, "%s%s", reason[size - 2] == ':' ? "" : ", ",
                options[i].help);
    }
  return mistake (l, allowed ? reason : "is one too many: nothing more can stand here");
}

static adze_status
read_pad (line *l)
{
  build_layer *layer = l->layer;
  layer->same = strcmp (word (l), "same") == 0;
  if (layer->same) {
    l->at++;
    return ADZE_OK;
  }
  adze_status status = read_sizes (l, 0, "the pads", layer->begin);
  memcpy (layer->end, layer->begin, sizeof layer->end);
  return status;
}

static adze_status
read_initial (line *l)
{
  int initial = build_choice (BUILD_INITIALS, word (l));
  if (initial < 0)
    return mistake (l, "should name how weights begin: " BUILD_INITIALS);
  l->layer->initial = (build_initial)initial;
  l->at++;
  return ADZE_OK;
}

static adze_status
read_option (line *l, unsigned allowed)
{
  static const char flags[] = "no-bias|last|causal";
  build_layer *layer = l->layer;
  const char *option = word (l);
  int flag = build_choice (flags, option), activation = build_choice (activations, option);
  if (flag >= 0 && (allowed & (flag == 0 ? NO_BIAS : flag == 1 ? LAST : CAUSAL))) {
    layer->bias = layer->bias && flag != 0;
    layer->last = layer->last || flag == 1;
    layer->causal = layer->causal || flag == 2;
    l->at++;
    return ADZE_OK;
  }
  if (activation >= 0 && (allowed & ACTIVATE)) {
    if (layer->activation != BUILD_NONE)
      return mistake (l, "is a second activation; one can stand behind a layer");
    layer->activation = (build_activation)(activation + 1);
    l->at++;
    return ADZE_OK;
  }
  unsigned known = strcmp (option, "stride") == 0     ? STRIDE
                   : strcmp (option, "pad") == 0      ? PAD
                   : strcmp (option, "dilation") == 0 ? DILATION
                   : strcmp (option, "groups") == 0   ? GROUPS
                   : strcmp (option, "init") == 0     ? INIT
                   : strcmp (option, "epsilon") == 0  ? EPSILON
                                                      : 0;
  if (!(known & allowed))
    return unknown_option (l, allowed);
  l->at++;
  switch (known) {
  case STRIDE:
    return read_sizes (l, 1, "the stride", layer->stride);
  case PAD:
    return read_pad (l);
  case DILATION:
    return read_sizes (l, 1, "the dilation", layer->dilation);
  case GROUPS:
    return read_whole (l, 1, "how many groups", &layer->count);
  case INIT:
    return read_initial (l);
  default:
    return read_real (l, "epsilon", 0, 1, &layer->number);
  }
}

/* ---- Layers: what stands in front. */

static adze_status
read_units (line *l)
{
  return read_whole (l, 1, "how many there are", &l->layer->size);
}

static adze_status
read_conv (line *l)
{
  adze_status status = read_whole (l, 1, "how many channels it gives", &l->layer->size);
  return status == ADZE_OK ? read_sizes (l, 1, "the kernel", l->layer->kernel) : status;
}

/* "max 2", "2", "avg global", "global". */
static adze_status
read_pool (line *l)
{
  build_layer *layer = l->layer;
  int how = build_choice ("max|avg", word (l));
  l->at += how >= 0;
  layer->global = strcmp (word (l), "global") == 0;
  l->at += layer->global;
  layer->average = how == 1 || (how < 0 && layer->global);
  if (layer->global)
    return ADZE_OK;
  adze_status status = read_sizes (l, 1, "a window, or the word global, or max or avg and one",
                                   layer->kernel);
  memcpy (layer->stride, layer->kernel, sizeof layer->stride);
  return status;
}

static adze_status
read_norm (line *l)
{
  int norm = build_choice ("batch|layer|group|instance", word (l));
  if (norm < 0)
    return mistake (l, l->at < l->count
                           ? "should say over what: batch, layer, group N or instance"
                           : "it should say over what: batch, layer, group N or instance");
  l->at++;
  l->layer->norm = (build_norm)norm;
  return norm == BUILD_NORM_GROUP ? read_whole (l, 1, "how many groups", &l->layer->count)
                                  : ADZE_OK;
}

static adze_status
read_dropout (line *l)
{
  return read_real (l, "which share is dropped", 0, 1, &l->layer->number);
}

static adze_status
read_embedding (line *l)
{
  adze_status status = read_whole (l, 1, "how many words there are", &l->layer->count);
  return status == ADZE_OK ? read_whole (l, 1, "how many numbers a word becomes", &l->layer->size)
                           : status;
}

static adze_status
read_attention (line *l)
{
  return read_whole (l, 1, "how many heads there are", &l->layer->count);
}

static adze_status
read_residual (line *l)
{
  int end = build_choice ("open|close", word (l));
  if (end < 0)
    return mistake (l, l->at < l->count ? "should be open or close"
                                        : "it should say open or close");
  l->at++;
  l->layer->open = end == 0;
  return ADZE_OK;
}

static const struct {
  const char *name;
  build_kind kind;
  adze_status (*read) (line *l); /* NULL: nothing stands there */
  unsigned options;
} kinds[] = {
  { "dense", BUILD_DENSE, read_units, INIT | NO_BIAS | ACTIVATE },
  { "conv", BUILD_CONV, read_conv,
    STRIDE | PAD | DILATION | GROUPS | INIT | NO_BIAS | ACTIVATE },
  { "pool", BUILD_POOL, read_pool, STRIDE | PAD },
  { "norm", BUILD_NORM, read_norm, EPSILON | ACTIVATE },
  { "flatten", BUILD_FLATTEN, NULL, 0 },
  { "dropout", BUILD_DROPOUT, read_dropout, 0 },
  { "embedding", BUILD_EMBEDDING, read_embedding, INIT },
  { "position", BUILD_POSITION, NULL, INIT },
  { "attention", BUILD_ATTENTION, read_attention, CAUSAL | INIT | NO_BIAS },
  { "lstm", BUILD_LSTM, read_units, LAST | INIT },
  { "gru", BUILD_GRU, read_units, LAST | INIT },
  { "mean", BUILD_MEAN, NULL, 0 },
  { "residual", BUILD_RESIDUAL, read_residual, ACTIVATE },
};

/* An activation by itself is a layer, too. */
static adze_status
read_kind (line *l, unsigned *allowed)
{
  char reason[400] = "is no layer; there are: ";
  size_t count = sizeof kinds / sizeof kinds[0];
  for (size_t i = 0; i < count; i++) {
    if (strcmp (kinds[i].name, word (l)) == 0) {
      l->layer->kind = kinds[i].kind;
      *allowed = kinds[i].options;
      l->at++;
      return kinds[i].read ? kinds[i].read (l) : ADZE_OK;
    }
    size_t size = strlen (reason);
    snprintf (reason + size, sizeof reason - size, "%s, ", kinds[i].name);
  }
  int activation = build_choice (activations, word (l));
  size_t size = strlen (reason);
  snprintf (reason + size, sizeof reason - size, "relu, gelu, sigmoid, tanh, silu, softmax");
  if (activation < 0)
    return mistake (l, reason);
  l->layer->kind = BUILD_ACTIVATION;
  l->layer->activation = (build_activation)(activation + 1);
  l->at++;
  *allowed = 0;
  return ADZE_OK;
}

adze_status
build_read_layer (const adze_host *host, size_t number, const char *text, build_initial initial,
                  build_layer *layer)
{
  line l = { .host = host, .number = number, .layer = layer };
  unsigned allowed = 0;
  *layer = (build_layer){ .initial = initial, .bias = true, .count = 1, .number = 1e-5,
                          .stride = { 1, 1 }, .dilation = { 1, 1 }, .kernel = { 1, 1 } };
  adze_status status = split (&l, text);
  if (status == ADZE_OK && l.count == 0)
    return adze_fail (host, ADZE_E_PARAM, "layers[%zu] is empty; a layer begins with its name",
                      number);
  if (status == ADZE_OK)
    status = read_kind (&l, &allowed);
  while (status == ADZE_OK && l.at < l.count)
    status = read_option (&l, allowed);
  return status;
}

/* ---- The input. */

adze_status
build_read_input (const adze_host *host, const char *text, build_plan *plan)
{
  const char *at = text;
  for (plan->rank = 0; plan->rank < BUILD_RANK;) {
    if (!parse_whole (at, 1, &at, &plan->shape[plan->rank]))
      break;
    plan->rank++;
    if (!*at)
      return ADZE_OK;
    if (*at++ != 'x')
      break;
  }
  return adze_fail (host, ADZE_E_PARAM,
                    "parameter 'input' is \"%s\"; it is the shape of one example, 1 to %d sizes "
                    "as in \"784\" or \"1x28x28\", without the batch",
                    text, BUILD_RANK);
}
