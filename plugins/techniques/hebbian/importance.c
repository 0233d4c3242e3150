/* SPDX-License-Identifier: Apache-2.0 */
/* How important each weight is: how much the squares of a layer's responses hang on it, |u x| in the mean of all
 * examples. Of each layer the mean is 1, so that 'consolidation' says the same to all.
 *
 * Handed on are lines, a weight each, and behind an empty one the numbers in the order of the tensors:
 *
 *   adze importance 1
 *   200704 14 layer.0.weight
 *
 *   200704 numbers of float32, the lowest byte first
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hebbian.h"
#include "rules.h"

#define FIRST_LINE "adze importance 1\n"

static adze_status
make_room (const hebbian_run *h, hebbian_layer *layer)
{
  layer->important = (double *)h->host->allocate (h->host, layer->units * layer->inputs * sizeof *layer->important);
  return layer->important ? ADZE_OK : adze_fail (h->host, ADZE_E_MEMORY, "no room for the importance of '%s'",
                                                 layer->name);
}

/* Where number INDEX of the tensor is in the rows of units. */
static size_t
place_of (const hebbian_layer *layer, size_t index)
{
  return layer->turned ? index % layer->units * layer->inputs + index / layer->units : index;
}

/* ---- Measured. */

typedef struct measure {
  const hebbian_run *h;
  double *sums; /* [units][inputs] */
} measure;

/* X is without signs by now, and so are the responses that were made of it before. */
static adze_status
sum_up (void *argument, size_t first, size_t last)
{
  const measure *m = (const measure *)argument;
  const hebbian_stream *s = &m->h->stream;
  const hebbian_layer *layer = &m->h->layers[m->h->at];
  for (size_t k = first; k < last; k++) {
    double *delta = m->h->scratch.delta + k * layer->inputs;
    rules_gather (m->h->scratch.u + k * s->rows, s->x, s->rows, layer->inputs, delta);
    rules_take (-(double)s->rows, delta, layer->inputs, m->sums + k * layer->inputs);
  }
  return ADZE_OK;
}

static adze_status
respond_without_signs (void *argument, size_t first, size_t last)
{
  const measure *m = (const measure *)argument;
  const hebbian_stream *s = &m->h->stream;
  const hebbian_layer *layer = &m->h->layers[m->h->at];
  for (size_t k = first; k < last; k++) {
    double *u = m->h->scratch.u + k * s->rows;
    rules_respond (layer->w + k * layer->inputs, layer->b[k], s->x, s->rows, layer->inputs, u);
    for (size_t r = 0; r < s->rows; r++)
      u[r] = fabs (u[r]);
  }
  return ADZE_OK;
}

static adze_status
measure_batch (hebbian_run *h, measure *m, uint64_t number)
{
  enum { GRAIN = 8 };
  hebbian_stream *s = &h->stream;
  size_t units = h->layers[h->at].units;
  adze_status status = hebbian_read_stream (h, 0, number, false);
  if (status == ADZE_OK)
    status = adze_parallel_for (h->host, units, GRAIN, respond_without_signs, m);
  for (size_t i = 0; status == ADZE_OK && i < s->rows * s->inputs; i++)
    s->x[i] = fabs (s->x[i]);
  return status == ADZE_OK ? adze_parallel_for (h->host, units, GRAIN, sum_up, m) : status;
}

/* Is added to what was handed over: what mattered before goes on to. */
static void
add_measured (hebbian_layer *layer, const double *sums)
{
  size_t count = layer->units * layer->inputs;
  double all = 0;
  for (size_t i = 0; i < count; i++)
    all += sums[i];
  for (size_t i = 0; all > 0 && i < count; i++)
    layer->important[i] += sums[i] * ((double)count / all);
}

adze_status
hebbian_measure_importance (hebbian_run *h)
{
  hebbian_layer *layer = &h->layers[h->at];
  size_t count = layer->units * layer->inputs;
  measure m = { h, (double *)h->host->allocate (h->host, count * sizeof *m.sums) };
  if (!m.sums)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room for the importance of '%s'", layer->name);
  adze_status status = ADZE_OK;
  for (uint64_t i = 0; status == ADZE_OK && i < h->stream.feed.batches; i++)
    status = measure_batch (h, &m, i);
  if (status == ADZE_OK)
    add_measured (layer, m.sums);
  h->host->release (h->host, m.sums);
  return status;
}

/* ---- Taken over. */

static adze_status
not_importance (const hebbian_run *h, const char *why)
{
  return adze_fail (h->host, ADZE_E_FORMAT,
                    "what is bound to 'importance' is none: %s; needed is what a stage of hebbian with measure = true "
                    "has given", why);
}

typedef struct entry {
  unsigned long long count, length;
  const char *name;
} entry;

/* The next line; false: there is none, or it is none. */
static bool
next_entry (const char **at, const char *end, entry *e)
{
  int used = 0;
  char line[64];
  size_t room = (size_t)(end - *at) < sizeof line - 1 ? (size_t)(end - *at) : sizeof line - 1;
  memcpy (line, *at, room);
  line[room] = '\0';
  if (sscanf (line, "%llu %llu%n", &e->count, &e->length, &used) != 2 || used == 0)
    return false;
  size_t left = (size_t)(end - *at) - (size_t)used;
  if (left < 2 || e->length > left - 2)
    return false;
  e->name = *at + used + 1;
  *at = e->name + e->length + 1;
  return e->name[-1] == ' ' && (*at)[-1] == '\n';
}

static adze_status
take_entry (hebbian_run *h, const entry *e, const char *numbers, size_t *taken)
{
  for (size_t l = 0; l < h->layer_count; l++) {
    hebbian_layer *layer = &h->layers[l];
    size_t count = layer->units * layer->inputs;
    if (strlen (layer->name) != e->length || memcmp (layer->name, e->name, e->length) != 0)
      continue;
    if (e->count != count)
      return adze_fail (h->host, ADZE_E_FORMAT, "what is bound to 'importance' has %llu numbers for '%s', which has %zu "
                        "weights; needed is what was measured of the same network", e->count, layer->name, count);
    for (size_t i = 0; i < count; i++) {
      float number;
      memcpy (&number, numbers + i * sizeof number, sizeof number);
      if (!(number >= 0 && number <= 3.0e38f))
        return not_importance (h, "it has numbers below 0, or that are none");
      layer->important[place_of (layer, i)] = (double)number;
    }
    ++*taken;
    return ADZE_OK;
  }
  return ADZE_OK;
}

static adze_status
take_all (hebbian_run *h, const char *data, size_t size, size_t *taken)
{
  const char *at = data + strlen (FIRST_LINE), *end = data + size, *numbers = at;
  entry e;
  if (size < strlen (FIRST_LINE) || memcmp (data, FIRST_LINE, strlen (FIRST_LINE)) != 0)
    return not_importance (h, "its first line is another one");
  while (next_entry (&numbers, end, &e))
    continue;
  if (numbers == end || *numbers++ != '\n')
    return not_importance (h, "its lines end without an empty one");
  for (adze_status status; next_entry (&at, end, &e); numbers += e.count * sizeof (float)) {
    if (e.count > (size_t)(end - numbers) / sizeof (float))
      return not_importance (h, "numbers are missing at its end");
    if ((status = take_entry (h, &e, numbers, taken)) != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

adze_status
hebbian_take_importance (hebbian_run *h)
{
  const void *data = NULL;
  size_t size = 0, taken = 0;
  if (!h->before && h->set.consolidation > 0)
    return adze_fail (h->host, ADZE_E_PARAM,
                      "parameter 'consolidation' is %g, and nothing says how important weights are; needed is a stage of "
                      "hebbian with measure = true before this one, or a file bound to 'importance'",
                      h->set.consolidation);
  if (h->set.consolidation == 0 && !h->set.measures)
    return ADZE_OK;
  adze_status status = ADZE_OK;
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++)
    status = make_room (h, &h->layers[l]);
  if (status != ADZE_OK || !h->before)
    return status;
  status = h->run->bytes (h->host, h->before, &data, &size);
  if (status == ADZE_OK)
    status = take_all (h, (const char *)data, size, &taken);
  if (status == ADZE_OK && taken == 0 && h->set.consolidation > 0)
    return adze_fail (h->host, ADZE_E_PARAM,
                      "parameter 'consolidation' is %g, and what is bound to 'importance' is of other weights than those "
                      "that learn here", h->set.consolidation);
  return status;
}

/* ---- Handed on. */

static adze_status
add_numbers (const hebbian_run *h, const hebbian_layer *layer, adze_bytes *bytes)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < layer->units * layer->inputs; i++) {
    float number = adze_float_from_double (layer->important[place_of (layer, i)]);
    status = adze_bytes_add (h->host, bytes, &number, sizeof number);
  }
  return status;
}

static adze_status
give_numbers (hebbian_run *h)
{
  adze_bytes bytes = { 0 };
  char line[400];
  adze_status status = adze_bytes_add (h->host, &bytes, FIRST_LINE, strlen (FIRST_LINE));
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++) {
    const hebbian_layer *layer = &h->layers[l];
    int size = snprintf (line, sizeof line, "%zu %zu %s\n", layer->units * layer->inputs, strlen (layer->name),
                         layer->name);
    status = adze_bytes_add (h->host, &bytes, line, (size_t)size);
  }
  if (status == ADZE_OK)
    status = adze_bytes_add (h->host, &bytes, "\n", 1);
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++)
    status = add_numbers (h, &h->layers[l], &bytes);
  if (status == ADZE_OK)
    status = h->run->give_bytes (h->host, h->context, "importance", bytes.data, bytes.size);
  adze_bytes_release (h->host, &bytes);
  return status;
}

/* ---- What is protected: runs of neighbours in the tensor. */

static int
by_size (const void *left, const void *right)
{
  double a = *(const double *)left, b = *(const double *)right;
  return a < b ? 1 : a > b ? -1 : 0;
}

typedef struct cut {
  size_t wanted;  /* weights */
  double least;   /* what is above it is protected */
  size_t equal;   /* and so many that are as important, the first ones */
} cut;

static adze_status
find_cut (const hebbian_run *h, const hebbian_layer *layer, cut *c)
{
  size_t count = layer->units * layer->inputs;
  c->wanted = (size_t)floor (h->set.protect * (double)count + 0.5);
  c->least = INFINITY;
  c->equal = 0;
  if (c->wanted == 0)
    return ADZE_OK;
  double *sorted = (double *)h->host->allocate (h->host, count * sizeof *sorted);
  if (!sorted)
    return adze_fail (h->host, ADZE_E_MEMORY, "no room to sort the importance of '%s'", layer->name);
  memcpy (sorted, layer->important, count * sizeof *sorted);
  qsort (sorted, count, sizeof *sorted, by_size);
  c->least = sorted[c->wanted - 1];
  for (size_t i = c->wanted; i > 0 && sorted[i - 1] == c->least; i--)
    c->equal++;
  h->host->release (h->host, sorted);
  return ADZE_OK;
}

/* Quotes as RFC 4180 has them. */
static adze_status
add_row (const hebbian_run *h, const char *name, size_t first, size_t count, adze_bytes *bytes)
{
  char numbers[64];
  adze_status status = adze_bytes_add (h->host, bytes, "\"", 1);
  for (const char *at = name; status == ADZE_OK && *at; at++)
    status = adze_bytes_add (h->host, bytes, *at == '"' ? "\"\"" : at, *at == '"' ? 2 : 1);
  int size = snprintf (numbers, sizeof numbers, "\",%zu,%zu\n", first, count);
  return status == ADZE_OK ? adze_bytes_add (h->host, bytes, numbers, (size_t)size) : status;
}

static adze_status
add_runs (const hebbian_run *h, const hebbian_layer *layer, adze_bytes *bytes)
{
  size_t count = layer->units * layer->inputs, begun = SIZE_MAX;
  cut c;
  adze_status status = find_cut (h, layer, &c);
  for (size_t i = 0; status == ADZE_OK && i <= count; i++) {
    double important = i < count ? layer->important[place_of (layer, i)] : -1;
    bool is_equal = important == c.least && c.equal > 0, in = i < count && (important > c.least || is_equal);
    c.equal -= is_equal;
    if (in && begun == SIZE_MAX)
      begun = i;
    if (in || begun == SIZE_MAX)
      continue;
    status = add_row (h, layer->name, begun, i - begun, bytes);
    begun = SIZE_MAX;
  }
  return status;
}

static adze_status
give_protected (hebbian_run *h)
{
  static const char head[] = "weight,first,count\n";
  adze_bytes bytes = { 0 };
  adze_status status = adze_bytes_add (h->host, &bytes, head, strlen (head));
  for (size_t l = 0; status == ADZE_OK && l < h->layer_count; l++)
    status = add_runs (h, &h->layers[l], &bytes);
  if (status == ADZE_OK)
    status = h->run->give_bytes (h->host, h->context, "protected", bytes.data, bytes.size);
  adze_bytes_release (h->host, &bytes);
  return status;
}

adze_status
hebbian_give_importance (hebbian_run *h)
{
  adze_status status = h->set.measures ? give_numbers (h) : ADZE_OK;
  return status == ADZE_OK && h->set.protect > 0 ? give_protected (h) : status;
}
