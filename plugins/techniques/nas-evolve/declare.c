/* SPDX-License-Identifier: Apache-2.0 */
/* declare.c: from layers with alternatives to genes, and from genes to layers. */
#include "declare.h"

#include <string.h>

/* ---- Braces. */

/* What '{' at AT ends with; SIZE_MAX: nothing before END does. */
static size_t
closing (const char *text, size_t at, size_t end)
{
  size_t depth = 0;
  for (; at < end; at++) {
    depth += text[at] == '{';
    if (text[at] == '}' && --depth == 0)
      return at;
  }
  return SIZE_MAX;
}

/* Behind the alternative that begins at AT: its '|', or END. */
static size_t
alternative_end (const char *text, size_t at, size_t end)
{
  size_t depth = 0;
  for (; at < end && (depth > 0 || text[at] != '|'); at++)
    depth += (size_t)(text[at] == '{') - (size_t)(text[at] == '}');
  return at;
}

static uint32_t
count_alternatives (const char *text, const nas_brace *brace)
{
  uint32_t count = 1;
  for (size_t at = brace->body; (at = alternative_end (text, at, brace->close)) < brace->close; at++)
    count++;
  return count;
}

static size_t
name_size (const char *text, size_t at, size_t end)
{
  size_t size = 0;
  while (at + size < end
         && ((text[at + size] >= 'a' && text[at + size] <= 'z') || (text[at + size] >= '0' && text[at + size] <= '9')
             || text[at + size] == '-'))
    size++;
  return size > 0 && at + size < end && text[at + size] == '=' ? size : 0;
}

static adze_status refuse (const nas_declared *d, uint32_t line, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/* "layers[2]: REASON" */
static adze_status
refuse (const nas_declared *d, uint32_t line, const char *format, ...)
{
  char reason[400];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  return adze_fail (d->host, ADZE_E_PARAM, "layers[%u]: %s", line, reason);
}

/* The gene of the same name, or a new one. */
static adze_status
find_gene (nas_declared *d, nas_brace *brace, size_t size)
{
  const char *text = d->text.data;
  uint32_t choices = count_alternatives (text, brace);
  for (uint32_t g = 0; size > 0 && g < d->genes; g++) {
    const nas_brace *other = &d->braces[d->named[g]];
    if (other->body - other->open != size + 2 || memcmp (text + other->open, text + brace->open, size + 2) != 0)
      continue;
    brace->gene = g;
    if (choices == d->choices[g])
      return ADZE_OK;
    return refuse (d, brace->line,
                   "the choice '%.*s' has %u alternatives, and %u where it first stood, in layers[%u]; it takes the "
                   "same one at both places",
                   (int)size, text + brace->open + 1, choices, d->choices[g], other->line);
  }
  if (d->genes == NAS_GENES)
    return refuse (d, brace->line, "there are more than %d choices", NAS_GENES);
  if (choices < 2 || choices > NAS_CHOICES)
    return refuse (d, brace->line, "'%.*s' has %u alternative%s; needed are 2 to %d, with '|' between them",
                   (int)(brace->close - brace->open < 60 ? brace->close - brace->open + 1 : 60), text + brace->open,
                   choices, choices == 1 ? "" : "s", NAS_CHOICES);
  d->named[d->genes] = (uint32_t)(brace - d->braces);
  d->choices[d->genes] = choices;
  brace->gene = d->genes++;
  return ADZE_OK;
}

static adze_status read_range (nas_declared *d, size_t begin, size_t end, uint32_t line, uint32_t outer,
                               uint32_t alternative);

static adze_status
read_brace (nas_declared *d, size_t open, size_t close, uint32_t line, uint32_t outer, uint32_t alternative)
{
  const char *text = d->text.data;
  uint32_t number = d->brace_count;
  if (number == NAS_BRACES)
    return refuse (d, line, "there are more than %d braces", NAS_BRACES);
  nas_brace *brace = &d->braces[d->brace_count++];
  size_t size = name_size (text, open + 1, close);
  *brace = (nas_brace){ .open = open, .body = open + 1 + (size ? size + 1 : 0), .close = close, .line = line,
                        .outer = outer, .alternative = alternative };
  adze_status status = find_gene (d, brace, size);
  uint32_t own = 0;
  for (size_t at = brace->body; status == ADZE_OK; at++, own++) {
    size_t end = alternative_end (text, at, close);
    status = read_range (d, at, end, line, number, own);
    if (end == close)
      break;
    at = end;
  }
  return status;
}

static adze_status
read_range (nas_declared *d, size_t begin, size_t end, uint32_t line, uint32_t outer, uint32_t alternative)
{
  const char *text = d->text.data;
  adze_status status = ADZE_OK;
  for (size_t at = begin; status == ADZE_OK && at < end; at++) {
    if (text[at] == '}' || (text[at] == '|' && outer == NAS_BRACES))
      return refuse (d, line, "there is a '%c' that stands in no braces", text[at]);
    if (text[at] != '{')
      continue;
    size_t close = closing (text, at, end);
    if (close == SIZE_MAX)
      return refuse (d, line, "'{' is never closed");
    status = read_brace (d, at, close, line, outer, alternative);
    at = close;
  }
  return status;
}

/* ---- From genes to words. */

static const nas_brace *
brace_at (const nas_declared *d, size_t open)
{
  uint32_t low = 0, high = d->brace_count;
  while (low + 1 < high) {
    uint32_t middle = low + (high - low) / 2;
    if (d->braces[middle].open <= open)
      low = middle;
    else
      high = middle;
  }
  return &d->braces[low];
}

/* LIVES: of each gene, whether it chose something. */
static adze_status
expand (const adze_host *host, const nas_declared *d, size_t begin, size_t end, const uint8_t *genes, bool *lives,
        adze_bytes *into)
{
  const char *text = d->text.data;
  adze_status status = ADZE_OK;
  for (size_t at = begin; status == ADZE_OK && at < end; at++) {
    if (text[at] != '{') {
      status = adze_bytes_add (host, into, text + at, 1);
      continue;
    }
    const nas_brace *brace = brace_at (d, at);
    size_t from = brace->body, to;
    for (uint32_t skipped = 0; skipped < genes[brace->gene]; skipped++)
      from = alternative_end (text, from, brace->close) + 1;
    to = alternative_end (text, from, brace->close);
    lives[brace->gene] = true;
    status = expand (host, d, from, to, genes, lives, into);
    at = brace->close;
  }
  return status;
}

/* One layer after the other: *AT moves behind it. NULL: there is none left; its words end at *SIZE. */
static const char *
next_layer (const adze_bytes *text, size_t *at, size_t *size)
{
  while (*at < text->size) {
    size_t begin = *at, end = begin;
    while (end < text->size && text->data[end] != '\n' && text->data[end] != ';')
      end++;
    *at = end + 1;
    while (begin < end && (text->data[begin] == ' ' || text->data[begin] == '\t'))
      begin++;
    while (end > begin && (text->data[end - 1] == ' ' || text->data[end - 1] == '\t'))
      end--;
    *size = end - begin;
    if (*size > 0)
      return text->data + begin;
  }
  return NULL;
}

/* ---- From words to layers. */

static adze_status
read_layers (const adze_host *host, const nas_declared *d, const adze_bytes *text, nas_network *network)
{
  size_t at = 0, size = 0, used = 0;
  const char *words;
  while ((words = next_layer (text, &at, &size)) != NULL) {
    build_plan *plan = &network->plan;
    if (plan->count == NAS_LAYERS || size >= BUILD_TEXT)
      return adze_fail (host, ADZE_E_PARAM, plan->count == NAS_LAYERS ? "a network has more than %d layers"
                                                                     : "a layer is longer than %d bytes",
                        plan->count == NAS_LAYERS ? (int)NAS_LAYERS : (int)BUILD_TEXT - 1);
    memcpy (network->words + used, words, size);
    network->words[used + size] = '\0';
    adze_status status = build_read_layer (host, plan->count, network->words + used, d->initial,
                                           &network->layers[plan->count]);
    if (status != ADZE_OK)
      return status;
    used += size + 1;
    plan->count++;
  }
  return ADZE_OK;
}

/* The words alone; whether layers fit is not looked at. HOST is told what is wrong, and memory is the declared
 * one's, since a silent host has none. */
static adze_status
read_network (const adze_host *host, const nas_declared *d, uint8_t genes[NAS_GENES], nas_network *network)
{
  adze_bytes text = { 0 };
  bool lives[NAS_GENES] = { false };
  network->plan = (build_plan){ .layers = network->layers, .input = "input", .output = "output", .spread = 0.02,
                                .quiet = true };
  adze_status status = expand (d->host, d, 0, d->text.size, genes, lives, &text);
  for (uint32_t i = 0; i < d->genes; i++)
    genes[i] = lives[i] ? genes[i] : 0;
  if (status == ADZE_OK)
    status = read_layers (host, d, &text, network);
  adze_bytes_release (d->host, &text);
  return status == ADZE_OK ? build_read_input (host, d->shape, &network->plan) : status;
}

adze_status
nas_declared_network (const adze_host *host, const nas_declared *declared, uint8_t genes[NAS_GENES],
                      nas_network *network)
{
  adze_status status = read_network (host, declared, genes, network);
  if (status == ADZE_OK && network->plan.count == 0)
    return adze_fail (host, ADZE_E_PARAM, "a network has one layer at least");
  return status == ADZE_OK ? build_find_shapes (host, &network->plan) : status;
}

/* Most spaces have networks that cannot be, and nobody wants to hear of each. */
static const void *
silent_service (const adze_host *host, const char *id)
{
  (void)host;
  (void)id;
  return NULL;
}

bool
nas_declared_settle (const void *argument, uint8_t genes[NAS_GENES])
{
  const nas_declared *d = (const nas_declared *)argument;
  adze_host silent = *d->host;
  silent.service = silent_service;
  nas_network *network = (nas_network *)d->host->allocate (d->host, sizeof *network);
  bool sound = network && nas_declared_network (&silent, d, genes, network) == ADZE_OK;
  d->host->release (d->host, network);
  return sound;
}

adze_status
nas_declared_words (const adze_host *host, const nas_declared *declared, const uint8_t genes[NAS_GENES],
                    const char *left, const char *right, const char *between, adze_bytes *into)
{
  adze_bytes text = { 0 };
  bool lives[NAS_GENES] = { false };
  size_t at = 0, size = 0;
  const char *words, *before = "";
  adze_status status = expand (host, declared, 0, declared->text.size, genes, lives, &text);
  while (status == ADZE_OK && (words = next_layer (&text, &at, &size)) != NULL) {
    const struct {
      const char *data;
      size_t size;
    } parts[] = { { before, strlen (before) }, { left, strlen (left) }, { words, size }, { right, strlen (right) } };
    for (size_t i = 0; status == ADZE_OK && i < sizeof parts / sizeof parts[0]; i++)
      status = adze_bytes_add (host, into, parts[i].data, parts[i].size);
    before = between;
  }
  adze_bytes_release (host, &text);
  return status;
}

/* ---- What is declared. */

static adze_status
add_line (nas_declared *d, const char *words, uint32_t line)
{
  size_t begin = d->text.size;
  if (strchr (words, '\n'))
    return refuse (d, line, "there is a newline in it");
  adze_status status = adze_bytes_add (d->host, &d->text, words, strlen (words));
  if (status == ADZE_OK)
    status = read_range (d, begin, d->text.size, line, NAS_BRACES, 0);
  return status == ADZE_OK ? adze_bytes_add (d->host, &d->text, "\n", 1) : status;
}

/* The words of each alternative, with the first one everywhere else. */
static adze_status
check_alternative (nas_declared *d, const nas_brace *brace, uint32_t choice, nas_network *network)
{
  uint8_t genes[NAS_GENES] = { 0 };
  const nas_brace *inner = brace;
  genes[brace->gene] = (uint8_t)choice;
  for (; inner->outer != NAS_BRACES; inner = &d->braces[inner->outer])
    genes[d->braces[inner->outer].gene] = (uint8_t)inner->alternative;
  adze_status status = read_network (d->host, d, genes, network);
  if (status == ADZE_OK)
    return status;
  return adze_fail (d->host, status, "alternative %u of %.*s in layers[%u] makes no layer; places that layers are "
                    "told of are those of the network, where alternatives are chosen", choice + 1,
                    (int)(brace->close - brace->open < 60 ? brace->close - brace->open + 1 : 60),
                    d->text.data + brace->open, brace->line);
}

static adze_status
check_words (nas_declared *d)
{
  uint8_t genes[NAS_GENES] = { 0 };
  nas_network *network = (nas_network *)d->host->allocate (d->host, sizeof *network);
  if (!network)
    return adze_fail (d->host, ADZE_E_MEMORY, "no room for a network of %d layers", NAS_LAYERS);
  adze_status status = read_network (d->host, d, genes, network);
  for (uint32_t b = 0; status == ADZE_OK && b < d->brace_count; b++)
    for (uint32_t c = 0; status == ADZE_OK && c < d->choices[d->braces[b].gene]; c++)
      status = check_alternative (d, &d->braces[b], c, network);
  d->host->release (d->host, network);
  return status;
}

adze_status
nas_declare (const adze_host *host, const adze_params *layers, const char *shape, build_initial initial,
             nas_declared *declared)
{
  const adze_params_service *service = adze_params_of (host);
  adze_status status = ADZE_OK;
  *declared = (nas_declared){ .host = host, .shape = shape, .initial = initial };
  for (size_t i = 0; status == ADZE_OK && i < service->count (layers); i++)
    status = add_line (declared, service->get_string (layers, service->name_at (layers, i)), (uint32_t)i);
  if (status == ADZE_OK && declared->genes == 0)
    return adze_fail (host, ADZE_E_PARAM,
                      "parameter 'layers' has no choice, so there is one network and nothing to search; alternatives "
                      "stand in braces: \"dense {32|64} relu\"");
  return status == ADZE_OK ? check_words (declared) : status;
}

void
nas_declared_close (nas_declared *declared)
{
  if (declared->host)
    adze_bytes_release (declared->host, &declared->text);
}
