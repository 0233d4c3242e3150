/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of a tensor becomes its decision, and what is told of it. */
#include "low-rank.h"

static adze_field
whole (const char *key, uint64_t number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_INT, .value = { .integer = (int64_t)number } };
}

static adze_field
real (const char *key, double number)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_FLOAT, .value = { .real = number } };
}

static adze_field
text (const char *key, const char *word)
{
  return (adze_field){ .key = key, .type = ADZE_FIELD_STRING, .value = { .string = word } };
}

static adze_status
tell_tensor (const adze_host *host, low_rank *self, const low_rank_entry *entry, const low_rank_seen *seen)
{
  uint64_t numbers = (uint64_t)entry->rows * entry->columns;
  uint64_t kept = seen->rank * ((uint64_t)entry->rows + entry->columns);
  const adze_field fields[] = {
    whole ("rank", seen->rank),
    whole ("full-rank", low_rank_least (entry)),
    real ("energy", seen->energy),
    real ("error", seen->error),
    whole ("numbers", numbers),
    whole ("kept-numbers", kept),
    text ("method", entry->randomised ? "randomised" : "exact"),
  };
  self->tensors++;
  self->numbers += numbers;
  self->kept += kept;
  if (seen->energy < self->least_energy)
    self->least_energy = seen->energy;
  if (seen->error > self->largest_error)
    self->largest_error = seen->error;
  return adze_decided (host, entry->name, fields, sizeof fields / sizeof fields[0]);
}

/* One that takes a greater rank than makes sense: known only now. */
static adze_status
decide_larger (const adze_host *host, low_rank *self, const low_rank_entry *entry, const low_rank_seen *seen)
{
  if (!entry->may_stay)
    return low_rank_too_large (host, entry, entry->name, (size_t)seen->rank);
  return low_rank_stays (host, self, entry->name, (size_t)seen->rank, entry->most);
}

static adze_status
tell_stayed (const adze_host *host, const low_rank *self)
{
  adze_status status = adze_metric (host, "would-be-larger", (double)self->stayed.count, NULL);
  for (size_t i = 0; status == ADZE_OK && i < self->stayed.count; i++) {
    const low_rank_stayed *stayed = (const low_rank_stayed *)adze_entries_at (&self->stayed, i);
    const adze_field fields[]
        = { text ("tensor", stayed->name), whole ("rank", stayed->rank), whole ("most", stayed->most) };
    status = adze_row (host, "would-be-larger", fields, sizeof fields / sizeof fields[0]);
  }
  return status;
}

static adze_status
tell_stage (const adze_host *host, const low_rank *self)
{
  const struct {
    const char *name;
    double value;
  } metrics[] = {
    { "tensors", (double)self->tensors },
    { "numbers", (double)self->numbers },
    { "kept-numbers", (double)self->kept },
    { "least-energy", self->least_energy },
    { "largest-error", self->largest_error },
  };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < sizeof metrics / sizeof metrics[0]; i++)
    status = adze_metric (host, metrics[i].name, metrics[i].value, NULL);
  return status == ADZE_OK ? tell_stayed (host, self) : status;
}

/* Once a tensor, and then once without one. */
adze_status
low_rank_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator, bool *again)
{
  low_rank *self = (low_rank *)instance;
  const low_rank_seen *seen = (const low_rank_seen *)accumulator;
  (void)again;
  if (!call)
    return tell_stage (host, self);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  low_rank_entry *entry = low_rank_entry_of (self, place.whole->name);
  if (!entry || !seen->seen || seen->rank == 0 || seen->rank > low_rank_least (entry)
      || (entry->randomised && (seen->width < seen->rank || seen->width > low_rank_least (entry))))
    return adze_fail (host, ADZE_E_CONTRACT, "tensor '%s' was not described or not seen before",
                      place.whole->name);
  if (seen->rank > entry->most)
    return decide_larger (host, self, entry, seen);
  entry->decided = (size_t)seen->rank;
  entry->width = (size_t)seen->width;
  return tell_tensor (host, self, entry, seen);
}
