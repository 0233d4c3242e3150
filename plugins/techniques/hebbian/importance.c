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
not_importance (const adze_host *host, const char *why)
{
  return adze_fail (host, ADZE_E_FORMAT,
                    "what is bound to 'importance' is none: %s; needed is what a stage of hebbian with measure = true "
                    "has given", why);
}

/* The next line; false: there is none, or it is none. */
static bool
next_entry (const char **at, const char *end, hebbian_entry *e)
{
  int used = 0;
  char line[64];
  unsigned long long count, length;
  size_t room = (size_t)(end - *at) < sizeof line - 1 ? (size_t)(end - *at) : sizeof line - 1;
  memcpy (line, *at, room);
  line[room] = '\0';
  if (sscanf (line, "%llu %llu%n", &count, &length, &used) != 2 || used == 0)
    return false;
  size_t left = (size_t)(end - *at) - (size_t)used;
  if (left < 2 || length > left - 2)
    return false;
  e->count = count;
  e->length = (size_t)length;
  e->name = *at + used + 1;
  *at = e->name + e->length + 1;
  return e->name[-1] == ' ' && (*at)[-1] == '\n';
}

static adze_status
check_numbers (const adze_host *host, const hebbian_entry *e)
{
  for (uint64_t i = 0; i < e->count; i++) {
    double number = hebbian_importance_at (e, i);
    if (!(number >= 0 && number <= 3.0e38))
      return not_importance (host, "it has numbers below 0, or that are none");
  }
  return ADZE_OK;
}

adze_status
hebbian_each_importance (const adze_host *host, const void *bytes, size_t size, hebbian_visit visit, void *argument)
{
  const char *data = (const char *)bytes, *at = data + strlen (FIRST_LINE), *end = data + size, *numbers = at;
  hebbian_entry e;
  if (size < strlen (FIRST_LINE) || memcmp (data, FIRST_LINE, strlen (FIRST_LINE)) != 0)
    return not_importance (host, "its first line is another one");
  while (next_entry (&numbers, end, &e))
    continue;
  if (numbers == end || *numbers++ != '\n')
    return not_importance (host, "its lines end without an empty one");
  for (adze_status status; next_entry (&at, end, &e); numbers += e.count * sizeof (float)) {
    if (e.count > (size_t)(end - numbers) / sizeof (float))
      return not_importance (host, "numbers are missing at its end");
    e.numbers = numbers;
    if ((status = check_numbers (host, &e)) != ADZE_OK || (status = visit (argument, &e)) != ADZE_OK)
      return status;
  }
  return ADZE_OK;
}

typedef struct taking {
  hebbian_run *h;
  size_t count;
} taking;

static adze_status
take_entry (void *argument, const hebbian_entry *e)
{
  taking *t = (taking *)argument;
  for (size_t l = 0; l < t->h->layer_count; l++) {
    hebbian_layer *layer = &t->h->layers[l];
    size_t count = layer->units * layer->inputs;
    if (!hebbian_entry_is_of (e, layer->name))
      continue;
    if (e->count != count)
      return adze_fail (t->h->host, ADZE_E_FORMAT, "what is bound to 'importance' has %llu numbers for '%s', which has %zu "
                        "weights; needed is what was measured of the same network", (unsigned long long)e->count,
                        layer->name, count);
    for (size_t i = 0; i < count; i++)
      layer->important[place_of (layer, i)] = hebbian_importance_at (e, i);
    t->count++;
    return ADZE_OK;
  }
  return ADZE_OK;
}

adze_status
hebbian_take_importance (hebbian_run *h)
{
  const void *data = NULL;
  size_t size = 0;
  taking t = { h, 0 };
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
    status = hebbian_each_importance (h->host, data, size, take_entry, &t);
  if (status == ADZE_OK && t.count == 0 && h->set.consolidation > 0)
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

adze_status
hebbian_give_importance (hebbian_run *h)
{
  return h->set.measures ? give_numbers (h) : ADZE_OK;
}
