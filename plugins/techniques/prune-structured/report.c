/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of what was decided. */
#include "structured.h"

#include <stdio.h>

static adze_field
number_field (const char *key, uint64_t value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)value } };
}

static adze_field
text (const char *key, const char *value)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = value } };
}

static const char *
norm_name (const structured_set *set)
{
  static const char *const names[] = { "l1", "l2", "distance" };
  return names[set->wish.norm];
}

/* ---- One place of a tensor. */

/* "1, 4-6, 9": places of GONE; what there is no room for is left out. */
static void
list_places (const bool *gone, int64_t count, char *into, size_t size)
{
  size_t used = 0;
  into[0] = '\0';
  for (int64_t i = 0, end; i < count; i = end) {
    char run[64];
    end = i + 1;
    if (!gone[i])
      continue;
    while (end < count && gone[end])
      end++;
    int length = end == i + 1 ? snprintf (run, sizeof run, "%s%lld", used ? ", " : "", (long long)i)
                              : snprintf (run, sizeof run, "%s%lld-%lld", used ? ", " : "", (long long)i,
                                          (long long)end - 1);
    if (used + (size_t)length + sizeof ", ..." > size) {
      memcpy (into + used, ", ...", sizeof ", ...");
      return;
    }
    memcpy (into + used, run, (size_t)length + 1);
    used += (size_t)length;
  }
}

static adze_status
tell_dimension (const adze_host *host, const structured *self, const structured_tensor *tensor, int32_t axis,
                bool *gone)
{
  char places[2048];
  memset (gone, 0, (size_t)tensor->shape[axis]);
  int64_t kept = structured_mark (self, tensor, axis, gone);
  if (kept == tensor->shape[axis])
    return ADZE_OK;
  list_places (gone, tensor->shape[axis], places, sizeof places);
  const adze_field fields[] = { text ("did", self->shrinks ? "taken out" : "made zero"),
                                number_field ("dimension", (uint64_t)axis),
                                number_field ("of", (uint64_t)tensor->shape[axis]),
                                number_field ("kept", (uint64_t)kept), text ("gone", places) };
  return adze_decided (host, tensor->name, fields, sizeof fields / sizeof fields[0]);
}

static adze_status
tell_tensor (const adze_host *host, const structured *self, const structured_tensor *tensor)
{
  bool *gone = NULL;
  if (tensor->first_part == STRUCTURED_NONE)
    return ADZE_OK;
  adze_status status = structured_flags (host, tensor, &gone);
  for (int32_t d = 0; status == ADZE_OK && d < tensor->rank; d++)
    status = tell_dimension (host, self, tensor, d, gone);
  if (gone)
    host->release (host, gone);
  return status;
}

/* ---- One channel. */

static adze_status
tell_place (const adze_host *host, const structured *self, const structured_part *part, size_t number)
{
  const structured_set *set = &self->sets[part->set];
  size_t channel = number / part->per;
  const adze_field fields[]
      = { text ("tensor", structured_tensor_at (self, part->tensor)->name),
          number_field ("dimension", (uint64_t)part->axis),
          number_field ("index", (uint64_t)part->indices[number]),
          { .key = norm_name (set), .type = ADZE_FIELD_FLOAT, .value = { .real = set->sizes[channel] } },
          text ("channel", !set->gone[channel] ? "kept" : self->shrinks ? "taken out" : "made zero") };
  return adze_row (host, "channels", fields, sizeof fields / sizeof fields[0]);
}

/* Each weight that they were compared by. */
static adze_status
tell_set (const adze_host *host, const structured *self, const structured_set *set)
{
  adze_status status = ADZE_OK;
  for (size_t p = set->first_part; p < set->first_part + set->part_count; p++) {
    const structured_part *part = &self->parts[p];
    for (size_t i = 0; part->ranked && status == ADZE_OK && i < set->count * part->per; i++)
      status = tell_place (host, self, part, i);
  }
  return status;
}

/* ---- All of it. */

static adze_status
tell_left (const adze_host *host, const structured *self)
{
  adze_status status = ADZE_OK;
  size_t unexpected = 0;
  const structured_left *first = NULL;
  for (size_t i = 0; status == ADZE_OK && i < self->left.count; i++) {
    const structured_left *left = (const structured_left *)adze_entries_at (&self->left, i);
    const adze_field fields[] = { text ("tensor", left->name), text ("why", left->why) };
    status = adze_row (host, "left", fields, 2);
    unexpected += !left->expected;
    first = first || left->expected ? first : left;
  }
  if (first)
    adze_log (host, ADZE_LOG_WARNING, "channels of %zu tensor%s stay as they are, '%s' being the first: %s",
              unexpected, unexpected == 1 ? "" : "s", first->name, first->why);
  return status;
}

static adze_status
tell_all (const adze_host *host, const structured *self)
{
  size_t channels = 0, removed = 0;
  double asked = 0;
  for (size_t i = 0; i < self->set_count; i++) {
    const structured_set *set = &self->sets[i];
    channels += set->count;
    removed += set->removed;
    asked += set->wish.count > 0 ? (double)set->wish.count : set->wish.sparsity * (double)set->count;
  }
  adze_status status = adze_metric (host, "channels", (double)channels, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "removed", (double)removed, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "shrunk", self->shrinks, NULL);
  if (status == ADZE_OK && channels > 0)
    status = adze_achieved (host, "sparsity", asked / (double)channels, (double)removed / (double)channels);
  return status;
}

adze_status
structured_report (const adze_host *host, const structured *self)
{
  adze_status status = tell_all (host, self);
  for (size_t i = 0; status == ADZE_OK && i < self->tensors.count; i++)
    status = tell_tensor (host, self, structured_tensor_at (self, i));
  for (size_t i = 0; status == ADZE_OK && i < self->set_count; i++)
    status = tell_set (host, self, &self->sets[i]);
  return status == ADZE_OK ? tell_left (host, self) : status;
}
