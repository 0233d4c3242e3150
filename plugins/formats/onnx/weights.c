/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/weights.c: collects weights, and makes their names unique. */
#include "weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

adze_status
onnx_weights_add (onnx_weights *weights, onnx_input *input, const onnx_weight *weight)
{
  const adze_host *host = weights->host;
  uint64_t size = weight->name.end - weight->name.at;
  /* Names are structure, of which the walk has seen no more than the limit. */
  if (size >= SIZE_MAX - 1)
    return onnx_fail_at (input, weight->name.at, ADZE_E_LIMIT, "a name is too long");
  void *items = weights->items, *names = weights->names;
  adze_status status
      = onnx_grow (host, &items, weights->count, 1, &weights->capacity, sizeof *weights->items);
  weights->items = (onnx_item *)items;
  if (status == ADZE_OK)
    status = onnx_grow (host, &names, weights->names_size, (size_t)size + 1,
                        &weights->names_capacity, 1);
  weights->names = (char *)names;
  if (status != ADZE_OK)
    return status;
  char *name = weights->names + weights->names_size;
  status = onnx_copy (input, weight->name.at, name, (size_t)size);
  if (status != ADZE_OK)
    return status;
  name[size] = '\0';
  if (strlen (name) != size)
    return onnx_fail_at (input, weight->name.at, ADZE_E_FORMAT, "the name '%s' has a NUL inside",
                         name);
  weights->items[weights->count++] = (onnx_item){ .name_at = weights->names_size,
                                                  .name_size = (size_t)size,
                                                  .tensor = weight->tensor.body,
                                                  .graph = weight->graph };
  weights->names_size += (size_t)size + 1;
  return ADZE_OK;
}

typedef struct named {
  const char *name;
  size_t index;
} named;

static int
compare_named (const void *a, const void *b)
{
  const named *left = (const named *)a, *right = (const named *)b;
  int order = strcmp (left->name, right->name);
  if (order != 0)
    return order;
  return left->index < right->index ? -1 : left->index > right->index;
}

static int
compare_name (const void *name, const void *other)
{
  return strcmp ((const char *)name, ((const named *)other)->name);
}

#define NUMBER_ROOM 24

/* Names the entries of SORTED from FIRST to LAST - 1, which have one name in common; *ROOM is where
 * names with a number go. */
static adze_status
name_alike (onnx_weights *weights, const onnx_input *input, const named *sorted, size_t first,
            size_t last, char **room)
{
  uint64_t number = 2;
  for (size_t i = first; i < last; i++) {
    onnx_item *item = &weights->items[sorted[i].index];
    item->name = sorted[i].name;
    if (i == first)
      continue;
    if (item->graph == weights->items[sorted[i - 1].index].graph)
      return onnx_fail_at (input, item->tensor.at, ADZE_E_FORMAT,
                           "the name '%s' is given twice in one graph", item->name);
    int length;
    do
      length = sprintf (*room, "%s#%" PRIu64, item->name, number++);
    while (bsearch (*room, sorted, weights->count, sizeof *sorted, compare_name));
    item->name = *room;
    *room += length + 1;
  }
  return ADZE_OK;
}

static size_t
end_of_alike (const named *sorted, size_t count, size_t first)
{
  size_t last = first + 1;
  while (last < count && strcmp (sorted[first].name, sorted[last].name) == 0)
    last++;
  return last;
}

/* Bytes that names with a number take. */
static size_t
extra_room (const onnx_weights *weights, const named *sorted)
{
  size_t room = 0;
  for (size_t first = 0, last; first < weights->count; first = last) {
    last = end_of_alike (sorted, weights->count, first);
    room += (last - first - 1)
            * (weights->items[sorted[first].index].name_size + NUMBER_ROOM);
  }
  return room;
}

adze_status
onnx_weights_name (onnx_weights *weights, const onnx_input *input)
{
  const adze_host *host = weights->host;
  if (weights->count == 0)
    return ADZE_OK;
  named *sorted = (named *)host->allocate (host, weights->count * sizeof *sorted);
  if (!sorted)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory for the names of %zu weights",
                      weights->count);
  for (size_t i = 0; i < weights->count; i++)
    sorted[i] = (named){ weights->names + weights->items[i].name_at, i };
  qsort (sorted, weights->count, sizeof *sorted, compare_named);
  size_t size = extra_room (weights, sorted);
  adze_status status = ADZE_OK;
  if (size > 0 && !(weights->more_names = (char *)host->allocate (host, size)))
    status = adze_fail (host, ADZE_E_MEMORY, "there is no memory for %zu bytes of names", size);
  char *room = weights->more_names;
  for (size_t first = 0, last; status == ADZE_OK && first < weights->count; first = last) {
    last = end_of_alike (sorted, weights->count, first);
    status = name_alike (weights, input, sorted, first, last, &room);
  }
  host->release (host, sorted);
  return status;
}

void
onnx_weights_release (onnx_weights *weights)
{
  void *const owned[] = { weights->items, weights->names, weights->more_names };
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
    if (owned[i])
      weights->host->release (weights->host, owned[i]);
}
