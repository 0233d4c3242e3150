/* SPDX-License-Identifier: Apache-2.0 */
/* What was seen of a tensor becomes its decision: the values that its numbers become, and what is told of
 * them. */
#include "cluster.h"

static adze_status
keep_books (const adze_host *host, cluster_entry *entry, const cluster_seen *seen)
{
  entry->distinct = 0;
  for (uint64_t i = 0; i < entry->book_count; i++)
    entry->distinct += cluster_seen_book_at (seen, entry->k, i)->count;
  entry->books
      = (cluster_book *)host->allocate (host, (size_t)entry->book_count * sizeof *entry->books);
  entry->values = (double *)host->allocate (host, (size_t)entry->distinct * sizeof *entry->values);
  if (!entry->books || !entry->values)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the codebooks of tensor '%s'", entry->name);
  uint64_t first = 0;
  for (uint64_t i = 0; i < entry->book_count; i++) {
    cluster_seen_book *book = cluster_seen_book_at (seen, entry->k, i);
    entry->books[i] = (cluster_book){ first, book->count, book->zero_apart != 0 };
    for (uint32_t v = 0; v < book->count; v++)
      entry->values[first++] = cluster_seen_values (book)[v].value;
  }
  return ADZE_OK;
}

/* ---- Sizes. */

/* Bits of an index into the largest book: one at least, which the codec codebook writes for a single value, too. */
static uint32_t
index_bits (const cluster_entry *entry)
{
  uint32_t bits = 1;
  for (uint64_t i = 0; i < entry->book_count; i++)
    while (UINT64_C (1) << bits < entry->books[i].count)
      bits++;
  return bits;
}

static double
whole_bytes (double bits)
{
  double bytes = bits / 8;
  uint64_t whole = (uint64_t)bytes;
  return (double)(whole + ((double)whole < bytes));
}

/* ---- What is told. */

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

/* Of one book all values are shown; of many, which may be as many as channels, none. */
static adze_status
tell_values (const adze_host *host, const cluster_entry *entry, const cluster_seen *seen)
{
  adze_status status = ADZE_OK;
  if (entry->book_count > 1)
    return status;
  cluster_seen_book *book = cluster_seen_book_at (seen, entry->k, 0);
  for (uint32_t i = 0; status == ADZE_OK && i < book->count; i++) {
    const cluster_seen_value *value = &cluster_seen_values (book)[i];
    const adze_field fields[] = {
      { .key = "tensor", .type = ADZE_FIELD_STRING, .value = { .string = entry->name } },
      whole ("index", i),
      real ("value", value->value),
      whole ("numbers", value->numbers),
    };
    status = adze_row (host, "codebook", fields, sizeof fields / sizeof fields[0]);
  }
  return status;
}

static adze_status
tell_tensor (const adze_host *host, cluster *self, const cluster_entry *entry,
             const cluster_seen *seen)
{
  double book_bytes = (double)(entry->distinct * (entry->dtype.bits / 8));
  double packed = whole_bytes ((double)seen->numbers * index_bits (entry)) + book_bytes;
  double coded = whole_bytes (seen->bits) + book_bytes;
  uint64_t bytes = seen->numbers * (entry->dtype.bits / 8);
  const adze_field fields[] = {
    whole ("k", entry->distinct),
    whole ("books", entry->book_count),
    real ("mse", seen->squares / (double)seen->numbers),
    whole ("bytes", bytes),
    whole ("packed-bytes", (uint64_t)packed),
    whole ("entropy-coded-bytes", (uint64_t)coded),
  };
  self->tensors++;
  self->numbers += seen->numbers;
  self->bytes += bytes;
  self->squares += seen->squares;
  self->packed += packed;
  self->coded += coded;
  adze_status status = adze_decided (host, entry->name, fields, sizeof fields / sizeof fields[0]);
  return status == ADZE_OK ? tell_values (host, entry, seen) : status;
}

static adze_status
tell_stage (const adze_host *host, const cluster *self)
{
  adze_status status = adze_metric (host, "tensors", (double)self->tensors, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "numbers", (double)self->numbers, NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "bytes", (double)self->bytes, "bytes");
  if (status == ADZE_OK)
    status = adze_metric (host, "packed-bytes", self->packed, "bytes");
  if (status == ADZE_OK)
    status = adze_metric (host, "entropy-coded-bytes", self->coded, "bytes");
  if (status == ADZE_OK && self->numbers > 0)
    status = adze_metric (host, "mse", self->squares / (double)self->numbers, NULL);
  return status;
}

/* Once a tensor, and then once without one. */
adze_status
cluster_decide (const adze_host *host, void *instance, adze_call *call, const void *accumulator,
                bool *again)
{
  cluster *self = (cluster *)instance;
  const cluster_seen *seen = (const cluster_seen *)accumulator;
  (void)again;
  if (!call)
    return tell_stage (host, self);
  adze_place place;
  adze_call_of (host)->place (host, call, &place);
  cluster_entry *entry = cluster_entry_of (self, place.whole->name);
  if (!entry || seen->books != entry->book_count)
    return adze_fail (host, ADZE_E_CONTRACT, "tensor '%s' was not described or not seen before",
                      place.whole->name);
  adze_status status = keep_books (host, entry, seen);
  return status == ADZE_OK ? tell_tensor (host, self, entry, seen) : status;
}
