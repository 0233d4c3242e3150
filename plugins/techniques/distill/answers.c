/* SPDX-License-Identifier: Apache-2.0 */
/* What teachers have said, so that they are asked once for each example and not once an epoch. An example is found by
 * what is in it, since an epoch gives examples in an order of its own. Answers lie in memory while the student learns;
 * on disk they are in pieces, each whole or not there, among the run's checkpoints: a run that was killed goes on
 * behind the last piece. They are computed batch by batch in the order of epoch 0, so that a run that goes on asks for
 * the same batches as one that was never killed. */
#include "distill.h"

#define PIECE_MARK "answer.1"

enum { PIECE_BYTES = 8 << 20 };

/* In front of a piece; behind it, for each batch, how many examples, their keys, their rows. */
typedef struct piece_head {
  char mark[8];
  uint64_t first, batches; /* of the epoch */
  uint64_t row;
} piece_head;

/* ---- Keys. */

static void
add_column (distill *d, const adze_feed_slot *slot)
{
  for (size_t i = 0; i < d->column_count; i++)
    if (d->columns[i].number == slot->number)
      return;
  d->columns[d->column_count++]
      = (distill_column){ slot->number, slot->each * (slot->column.dtype.bits / 8u) };
}

static void
add_columns (distill *d, const adze_feed *feed)
{
  for (size_t i = 0; i < feed->input_count; i++)
    if (feed->inputs[i] == &feed->slots[i].view)
      add_column (d, &feed->slots[i]);
}

/* All columns that a student or a teacher is shown. */
static adze_status
find_columns (distill *d)
{
  size_t most = d->lesson->feed.input_count;
  for (size_t i = 0; i < d->teacher_count; i++)
    most += d->teachers[i].feed.input_count;
  d->columns = (distill_column *)d->host->allocate (d->host, (most + 1) * sizeof *d->columns);
  d->batch_keys = (distill_key *)d->host->allocate (d->host, d->lesson->feed.batch * sizeof *d->batch_keys);
  if (!d->columns || !d->batch_keys)
    return adze_fail (d->host, ADZE_E_MEMORY, "no room for the keys of a batch");
  add_columns (d, &d->lesson->feed);
  for (size_t i = 0; i < d->teacher_count; i++)
    add_columns (d, &d->teachers[i].feed);
  return ADZE_OK;
}

/* Those of a batch of DATA, of which column number NUMBERS[i] is the data's .columns[i]. */
static adze_status
read_keys (const distill *d, adze_artifact *data, const size_t *numbers, uint64_t epoch, uint64_t number,
           size_t *count)
{
  for (size_t c = 0; c < d->column_count; c++) {
    const void *bytes = NULL;
    size_t size = d->columns[c].bytes;
    adze_status status = d->run->batch (d->host, data, epoch, number, d->lesson->feed.batch,
                                        numbers ? numbers[c] : d->columns[c].number, &bytes, count);
    if (status != ADZE_OK)
      return status;
    for (size_t i = 0; i < *count; i++) {
      if (c == 0)
        d->batch_keys[i] = distill_key_begin ();
      distill_key_add (&d->batch_keys[i], (const char *)bytes + i * size, size);
    }
  }
  for (size_t i = 0; i < *count; i++)
    distill_key_end (&d->batch_keys[i]);
  return ADZE_OK;
}

/* ---- Examples whose labels count. */

/* Column number *NUMBER of what is bound to 'labelled' is the data's column number INDEX of those that make a key. */
static adze_status
match_column (const distill *d, size_t index, size_t *number)
{
  const adze_column *own = d->run->column (d->host, d->lesson->data, d->columns[index].number);
  *number = adze_feed_find (d->host, d->labelled, own->name);
  const adze_column *other = *number == SIZE_MAX ? NULL : d->run->column (d->host, d->labelled, *number);
  size_t each = 1;
  for (int32_t i = 0; other && i < other->rank; i++)
    each *= (size_t)other->shape[i];
  if (other && !other->is_text && adze_dtype_same (other->dtype, own->dtype)
      && each * (other->dtype.bits / 8u) == d->columns[index].bytes)
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_FORMAT,
                    "the data bound to 'labelled' has no column '%s' like that of 'data': it is to be a part of the "
                    "same examples",
                    own->name);
}

static adze_status
read_labelled (distill *d)
{
  uint64_t batches = d->run->batches (d->host, d->labelled, d->lesson->feed.batch);
  size_t count = 0;
  size_t *numbers = (size_t *)d->host->allocate (d->host, (d->column_count + 1) * sizeof *numbers);
  adze_status status = distill_keys_open (d->host, &d->labels, (size_t)batches * d->lesson->feed.batch);
  d->met = (uint8_t *)d->host->allocate (d->host, (size_t)batches * d->lesson->feed.batch + 1);
  if (status == ADZE_OK && (!numbers || !d->met))
    status = adze_fail (d->host, ADZE_E_MEMORY, "no room for what is known of the labelled examples");
  for (size_t i = 0; status == ADZE_OK && i < d->column_count; i++)
    status = match_column (d, i, &numbers[i]);
  for (uint64_t b = 0; status == ADZE_OK && b < batches; b++) {
    status = read_keys (d, d->labelled, numbers, 0, b, &count);
    for (size_t i = 0; status == ADZE_OK && i < count; i++)
      d->met[distill_keys_put (&d->labels, d->batch_keys[i])] = 0;
  }
  d->host->release (d->host, numbers);
  return status;
}

/* One that is not among the data would never be learnt from, and nobody would see it. */
static adze_status
check_met (const distill *d)
{
  size_t missing = 0;
  for (size_t i = 0; i < d->labels.count; i++)
    missing += d->met[i] == 0;
  if (missing == 0 && d->labels.count > 0)
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_FORMAT,
                    "of the %zu examples bound to 'labelled', %zu are not among those bound to 'data'; needed is a "
                    "part of the same examples: the same files with limit = N, or a part of the part",
                    d->labels.count, missing);
}

/* ---- Answers. */

static void
take_example (distill *d, distill_key key, const float *row)
{
  size_t label = d->labelled ? distill_keys_find (&d->labels, key) : SIZE_MAX;
  d->examples++;
  if (label != SIZE_MAX) {
    d->met[label] = 1;
    d->labelled_count++;
  }
  if (d->cached)
    memcpy (d->answers + distill_keys_put (&d->known, key) * d->row, row, d->row * sizeof *row);
}

static size_t
batch_bytes (const distill *d, uint64_t count)
{
  return (size_t)count * (sizeof (distill_key) + d->row * sizeof (float));
}

/* Is it of this place, and whole? */
static bool
is_piece (const distill *d, const char *bytes, size_t size, uint64_t first, uint64_t batches)
{
  piece_head head;
  size_t at = sizeof head;
  if (size < sizeof head)
    return false;
  memcpy (&head, bytes, sizeof head);
  if (memcmp (head.mark, PIECE_MARK, sizeof head.mark) != 0 || head.first != first || head.batches != batches
      || head.row != d->row)
    return false;
  for (uint64_t b = 0, count; b < batches; b++) {
    if (size - at < sizeof count)
      return false;
    memcpy (&count, bytes + at, sizeof count);
    at += sizeof count;
    if (count > d->lesson->feed.batch || size - at < batch_bytes (d, count))
      return false;
    at += batch_bytes (d, count);
  }
  return at == size;
}

static void
take_piece (distill *d, const char *bytes, uint64_t batches)
{
  const char *at = bytes + sizeof (piece_head);
  for (uint64_t b = 0, count; b < batches; b++) {
    memcpy (&count, at, sizeof count);
    at += sizeof count;
    const char *rows = at + count * sizeof (distill_key);
    for (size_t i = 0; i < count; i++) {
      distill_key key;
      memcpy (&key, at + i * sizeof key, sizeof key);
      memcpy (d->batch_answers, rows + i * d->row * sizeof (float), d->row * sizeof (float));
      take_example (d, key, d->batch_answers);
    }
    at += batch_bytes (d, count);
  }
}

static adze_status
make_batch (distill *d, uint64_t number, adze_bytes *bytes)
{
  size_t count = 0, asked = 0;
  adze_status status = read_keys (d, d->lesson->data, NULL, 0, number, &count);
  if (status == ADZE_OK)
    status = distill_ask (d, 0, number, d->batch_answers, &asked);
  uint64_t examples = count;
  if (status == ADZE_OK)
    status = adze_bytes_add (d->host, bytes, &examples, sizeof examples);
  if (status == ADZE_OK)
    status = adze_bytes_add (d->host, bytes, d->batch_keys, count * sizeof *d->batch_keys);
  return status == ADZE_OK ? adze_bytes_add (d->host, bytes, d->batch_answers, count * d->row * sizeof (float))
                           : status;
}

static adze_status
make_piece (distill *d, const char *name, uint64_t first, uint64_t batches)
{
  piece_head head;
  adze_bytes bytes;
  memset (&bytes, 0, sizeof bytes);
  memcpy (head.mark, PIECE_MARK, sizeof head.mark);
  head.first = first;
  head.batches = batches;
  head.row = d->row;
  adze_status status = adze_bytes_add (d->host, &bytes, &head, sizeof head);
  for (uint64_t b = 0; status == ADZE_OK && !d->rehearses && b < batches; b++) {
    status = make_batch (d, first + b, &bytes);
    if (status == ADZE_OK && !d->run->progress (d->host, d->context, first + b + 1, d->lesson->feed.batches))
      status = ADZE_E_CANCELLED;
  }
  if (status == ADZE_OK && !d->rehearses)
    status = d->run->save (d->host, d->context, name, bytes.data, bytes.size);
  if (status == ADZE_OK && !d->rehearses)
    take_piece (d, (const char *)bytes.data, batches);
  adze_bytes_release (d->host, &bytes);
  return status;
}

static adze_status
fill_piece (distill *d, uint64_t piece, uint64_t first, uint64_t batches)
{
  const void *data = NULL;
  size_t size = 0;
  char name[40];
  snprintf (name, sizeof name, "answers.%llu", (unsigned long long)piece);
  adze_status status = d->run->load (d->host, d->context, name, &data, &size);
  if (status != ADZE_OK)
    return status;
  if (!is_piece (d, (const char *)data, size, first, batches))
    return make_piece (d, name, first, batches);
  take_piece (d, (const char *)data, batches);
  return ADZE_OK;
}

static adze_status
fill_all (distill *d)
{
  size_t each = batch_bytes (d, d->lesson->feed.batch);
  uint64_t batches = each < PIECE_BYTES ? PIECE_BYTES / each : 1, first = 0;
  adze_status status = ADZE_OK;
  for (uint64_t piece = 0; status == ADZE_OK && !d->rehearses && first < d->lesson->feed.batches; piece++) {
    uint64_t left = d->lesson->feed.batches - first, some = left < batches ? left : batches;
    status = fill_piece (d, piece, first, some);
    first += some;
  }
  return status;
}

/* Without answers that are kept, which examples there are is still to be known for their labels. */
static adze_status
look_at_all (distill *d)
{
  adze_status status = ADZE_OK;
  size_t count = 0;
  for (uint64_t b = 0; status == ADZE_OK && b < d->lesson->feed.batches; b++) {
    status = read_keys (d, d->lesson->data, NULL, 0, b, &count);
    for (size_t i = 0; status == ADZE_OK && i < count; i++)
      take_example (d, d->batch_keys[i], NULL);
  }
  return status;
}

static adze_status
make_room (distill *d)
{
  const adze_host *host = d->host;
  size_t batch = d->lesson->feed.batch, most = (size_t)d->lesson->feed.batches * batch;
  adze_status status = ADZE_OK;
  d->batch_answers = (float *)host->allocate (host, (batch * d->row + 1) * sizeof (float));
  d->marks = (float *)host->allocate (host, batch * sizeof (float));
  if (!d->batch_answers || !d->marks)
    return adze_fail (host, ADZE_E_MEMORY, "no room for the answers of a batch");
  if (!d->cached)
    return ADZE_OK;
  status = distill_keys_open (host, &d->known, most);
  if (status == ADZE_OK && most < SIZE_MAX / sizeof (float) / (d->row + 1))
    d->answers = (float *)host->allocate (host, (most * d->row + 1) * sizeof (float));
  if (d->answers)
    memset (d->answers, 0, d->row * sizeof (float)); /* what a rehearsal reads */
  else if (status == ADZE_OK)
    status = adze_fail (host, ADZE_E_MEMORY,
                        "no room for the answers of teachers, %zu numbers for each of %zu examples; cache = false asks "
                        "them again in each epoch",
                        d->row, most);
  return status;
}

adze_status
distill_fill_answers (distill *d)
{
  adze_status status = find_columns (d);
  if (status == ADZE_OK)
    status = make_room (d);
  if (status == ADZE_OK && d->labelled)
    status = read_labelled (d);
  if (status == ADZE_OK && d->cached)
    status = fill_all (d);
  else if (status == ADZE_OK && d->labelled)
    status = look_at_all (d);
  if (status == ADZE_OK && d->labelled && !d->rehearses)
    status = check_met (d);
  if (status == ADZE_OK && d->cached)
    distill_close_teachers (d);
  return status;
}

void
distill_close_answers (distill *d)
{
  distill_keys_close (d->host, &d->known);
  distill_keys_close (d->host, &d->labels);
  d->host->release (d->host, d->columns);
  d->host->release (d->host, d->batch_keys);
  d->host->release (d->host, d->answers);
  d->host->release (d->host, d->batch_answers);
  d->host->release (d->host, d->met);
  d->host->release (d->host, d->marks);
  for (size_t i = 0; i < d->want_count; i++)
    d->host->release (d->host, d->wants[i].room);
  d->host->release (d->host, d->wants);
}

/* ---- A batch of the lesson. */

static adze_status
find_row (const distill *d, size_t index, const float **row)
{
  size_t number = distill_keys_find (&d->known, d->batch_keys[index]);
  *row = d->answers + (number == SIZE_MAX ? 0 : number) * d->row;
  if (number != SIZE_MAX || d->rehearses)
    return ADZE_OK;
  return adze_fail (d->host, ADZE_E_FORMAT,
                    "an epoch gives an example that the first one did not have: answers of teachers are kept for "
                    "examples that stay the same; cache = false asks for each batch");
}

static adze_status
fill_wants (distill *d, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const float *row = d->batch_answers + i * d->row;
    adze_status status = d->cached ? find_row (d, i, &row) : ADZE_OK;
    if (status != ADZE_OK)
      return status;
    for (size_t w = 0; w < d->want_count; w++)
      memcpy (d->wants[w].room + i * d->wants[w].width, row + d->wants[w].place,
              d->wants[w].width * sizeof (float));
  }
  return ADZE_OK;
}

/* Over an epoch the mean of what labels count is 1. */
static void
fill_marks (distill *d, size_t count)
{
  double each = d->labelled_count ? (double)d->examples / (double)d->labelled_count : 0;
  for (size_t i = 0; i < count; i++)
    d->marks[i] = distill_keys_find (&d->labels, d->batch_keys[i]) == SIZE_MAX ? 0 : (float)each;
  d->mark_shape[0] = (int64_t)count;
  d->mark_view.data = d->marks;
  d->mark_view.device.type = ADZE_DEVICE_CPU;
  d->mark_view.dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  d->mark_view.rank = 1;
  d->mark_view.shape = d->mark_shape;
}

adze_status
distill_more_inputs (void *argument, adze_lesson *lesson, uint64_t epoch, uint64_t number,
                     const adze_view **views)
{
  distill *d = (distill *)argument;
  bool marked = d->mark_input != ADZE_NONE;
  size_t count = (size_t)lesson->feed.count;
  adze_status status = ADZE_OK;
  if (d->cached || marked)
    status = read_keys (d, lesson->data, NULL, epoch, number, &count);
  if (status == ADZE_OK && !d->cached)
    status = distill_ask (d, epoch, number, d->batch_answers, &count);
  if (status == ADZE_OK)
    status = fill_wants (d, count);
  if (status != ADZE_OK)
    return status;
  if (marked) {
    fill_marks (d, count);
    *views++ = &d->mark_view;
  }
  for (size_t w = 0; w < d->want_count; w++) {
    d->wants[w].shape[0] = (int64_t)count;
    *views++ = &d->wants[w].view;
  }
  return ADZE_OK;
}
