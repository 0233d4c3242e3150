/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: texts and labels of a dataset, as n-grams and sets of emotions. */
#include "emotions.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS_AT_ONCE = 1024, SHOWN = 60 };

/* ---- Columns. */

static adze_status
find_column (const emo_run *r, adze_artifact *data, const char *param, size_t *index)
{
  const char *name = adze_param_string (r->host, r->params, param);
  const adze_column *column;
  char known[300];
  for (*index = 0; (column = r->run->column (r->host, data, *index)) != NULL; ++*index) {
    if (strcmp (column->name, name) != 0)
      continue;
    if (column->is_text)
      return ADZE_OK;
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter '%s': the column '%s' of its port 'data' is of numbers, and needed is text; of a CSV "
                      "file, text-columns = [\"%s\"] makes it so",
                      param, name, name);
  }
  adze_feed_columns (r->host, data, known, sizeof known);
  return adze_fail (r->host, ADZE_E_PARAM, "parameter '%s': its port 'data' has no column '%s'; there is %s", param, name,
                    known);
}

/* ---- Labels. */

/* 0: WORD is no number, or none that could count. */
static size_t
number_of (const char *word, size_t size)
{
  size_t number = 0;
  for (size_t i = 0; i < size; i++) {
    if (word[i] < '0' || word[i] > '9' || number > ADZE_PARAM_MAX)
      return 0;
    number = number * 10 + (size_t)(word[i] - '0');
  }
  return number;
}

/* The emotion of a word or a number; ADZE_EMOTIONS: of neither. */
static uint32_t
emotion_of (const emo_run *r, const char *word, size_t size)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *numbers = service->get_nested (r->params, "numbers");
  const size_t number = number_of (word, size);
  if (number < 1 || number > service->count (numbers))
    return adze_emotion_find (word, size);
  const char *name = service->get_string (numbers, service->name_at (numbers, number - 1));
  return adze_emotion_find (name, strlen (name));
}

static adze_status
unknown_label (const emo_run *r, size_t row, const char *word, size_t size)
{
  if (size > SHOWN) /* as much of it as ends with a character */
    for (size = SHOWN; size > 0 && ((unsigned char)word[size] & 0xc0) == 0x80;)
      size--;
  return adze_fail (r->host, ADZE_E_FORMAT,
                    "example %zu of its port 'data' has the label '%.*s', which is no emotion; known are joy, trust, fear, "
                    "surprise, sadness, disgust, anger, anticipation, numbers that count in 'numbers', and 0 or neutral "
                    "for none of them",
                    row + 1, (int)size, word);
}

/* "1, 4" or "joy; fear". */
static adze_status
read_labels (const emo_run *r, size_t row, adze_text cell, uint8_t *gold)
{
  static const char between[] = " ,;|";
  const char *at = cell.data, *end = cell.data + cell.size;
  *gold = 0;
  while (at < end) {
    const char *word = at;
    while (at < end && !strchr (between, *at))
      at++;
    const size_t size = (size_t)(at - word);
    at += at < end;
    if (size == 0 || (size == 1 && *word == '0') || (size == 7 && memcmp (word, "neutral", size) == 0))
      continue;
    const uint32_t emotion = emotion_of (r, word, size);
    if (emotion == ADZE_EMOTIONS)
      return unknown_label (r, row, word, size);
    *gold |= (uint8_t)(1u << emotion);
  }
  return ADZE_OK;
}

/* ---- Rows. */

static adze_status
no_room (const emo_run *r)
{
  return adze_fail (r->host, ADZE_E_MEMORY, "no room for the n-grams of %zu rows", r->rows.count);
}

static adze_status
add_items (emo_run *r, const adze_ngrams *ngrams)
{
  emo_rows *rows = &r->rows;
  if (rows->item_count + ngrams->count > rows->item_room) {
    const size_t room = 2 * (rows->item_count + ngrams->count);
    adze_ngram *grown = (adze_ngram *)r->host->allocate (r->host, room * sizeof *grown);
    if (!grown)
      return no_room (r);
    if (rows->item_count > 0)
      memcpy (grown, rows->items, rows->item_count * sizeof *grown);
    r->host->release (r->host, rows->items);
    rows->items = grown;
    rows->item_room = room;
  }
  if (ngrams->count > 0)
    memcpy (rows->items + rows->item_count, ngrams->items, ngrams->count * sizeof *rows->items);
  rows->item_count += ngrams->count;
  rows->longest = ngrams->count > rows->longest ? ngrams->count : rows->longest;
  return ADZE_OK;
}

/* One that is none would be learnt from, and not be found again in the texts of a router, which are UTF-8. */
static adze_status
check_text (const emo_run *r, size_t row, const adze_text *text)
{
  adze_utf8 utf8 = { 0 };
  for (uint64_t i = 0; i < text->size; i++)
    if (!adze_utf8_step (&utf8, (unsigned char)text->data[i]))
      return adze_fail (r->host, ADZE_E_FORMAT,
                        "example %zu of its port 'data' has a text that is no UTF-8: byte %llu of it cannot be; convert the "
                        "file",
                        row + 1, (unsigned long long)i + 1);
  return utf8.left == 0 ? ADZE_OK
                        : adze_fail (r->host, ADZE_E_FORMAT,
                                     "example %zu of its port 'data' has a text that is no UTF-8: it ends inside of a "
                                     "character; convert the file",
                                     row + 1);
}

/* What is valid only until the next batch of this kind is asked for. */
static adze_status
read_texts (emo_run *r, adze_artifact *data, uint64_t batch, size_t column, adze_ngrams *ngrams)
{
  const void *cells;
  size_t count = 0, first = (size_t)batch * ROWS_AT_ONCE;
  adze_status status = r->run->batch (r->host, data, 0, batch, ROWS_AT_ONCE, column, &cells, &count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    const adze_text *text = (const adze_text *)cells + i;
    status = check_text (r, first + i, text);
    if (status == ADZE_OK)
      status = adze_ngrams_read (r->host, ngrams, text->data, (size_t)text->size);
    if (status == ADZE_OK)
      status = add_items (r, ngrams);
    r->rows.starts[first + i + 1] = r->rows.item_count;
  }
  return status;
}

static adze_status
read_gold (emo_run *r, adze_artifact *data, uint64_t batch, size_t column)
{
  const void *cells;
  size_t count = 0, first = (size_t)batch * ROWS_AT_ONCE;
  adze_status status = r->run->batch (r->host, data, 0, batch, ROWS_AT_ONCE, column, &cells, &count);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    status = read_labels (r, first + i, ((const adze_text *)cells)[i], &r->rows.gold[first + i]);
  r->rows.count = first + count;
  return status;
}

static adze_status
read_all (emo_run *r, adze_artifact *data, size_t text, size_t labels, adze_ngrams *ngrams)
{
  const uint64_t batches = r->run->batches (r->host, data, ROWS_AT_ONCE);
  const size_t room = (size_t)batches * ROWS_AT_ONCE;
  emo_rows *rows = &r->rows;
  rows->starts = (size_t *)r->host->allocate (r->host, (room + 1) * sizeof *rows->starts);
  rows->gold = (uint8_t *)r->host->allocate (r->host, room + 1);
  rows->order = (size_t *)r->host->allocate (r->host, (room + 1) * sizeof *rows->order);
  adze_status status = rows->starts && rows->gold && rows->order ? ADZE_OK : no_room (r);
  for (uint64_t b = 0; status == ADZE_OK && b < batches; b++) {
    status = read_texts (r, data, b, text, ngrams);
    if (status == ADZE_OK)
      status = read_gold (r, data, b, labels);
  }
  return status;
}

/* ---- An order that the seed draws. */

typedef struct drawn {
  uint64_t number;
  size_t row;
} drawn;

static int
by_number (const void *left, const void *right)
{
  const drawn *a = (const drawn *)left, *b = (const drawn *)right;
  if (a->number != b->number)
    return a->number < b->number ? -1 : 1;
  return a->row < b->row ? -1 : a->row > b->row;
}

static adze_status
draw_order (emo_run *r)
{
  const size_t count = r->rows.count;
  drawn *rows = (drawn *)r->host->allocate (r->host, (count + 1) * sizeof *rows);
  adze_status status = rows ? ADZE_OK : no_room (r);
  for (size_t i = 0; status == ADZE_OK && i < count; i++) {
    rows[i].row = i;
    if (!adze_random_fill (r->host, "rows", i, &rows[i].number, 1))
      status = adze_fail (r->host, ADZE_E_UNSUPPORTED, "this host has no %s, which rows are drawn with", ADZE_RANDOM);
  }
  if (status == ADZE_OK)
    qsort (rows, count, sizeof *rows, by_number);
  for (size_t i = 0; status == ADZE_OK && i < count; i++)
    r->rows.order[i] = rows[i].row;
  r->host->release (r->host, rows);
  return status;
}

/* An emotion that no row has, or every row, cannot be learnt. */
static adze_status
check_rows (const emo_run *r)
{
  const size_t least = 10 * (r->settings.folds > 0 ? r->settings.folds : 1);
  size_t counts[ADZE_EMOTIONS] = { 0 };
  if (r->rows.count < least)
    return adze_fail (r->host, ADZE_E_FORMAT, "its port 'data' has %zu rows; at least %zu are needed", r->rows.count,
                      least);
  if (r->rows.item_count == 0)
    return adze_fail (r->host, ADZE_E_FORMAT, "all texts of its port 'data' are empty");
  for (size_t i = 0; i < r->rows.count; i++)
    for (uint32_t e = 0; e < ADZE_EMOTIONS; e++)
      counts[e] += r->rows.gold[i] >> e & 1;
  for (uint32_t e = 0; e < ADZE_EMOTIONS; e++)
    if (counts[e] == 0 || counts[e] == r->rows.count)
      return adze_fail (r->host, ADZE_E_FORMAT, "%s of the %zu rows of its port 'data' has the emotion '%s'; it cannot be "
                        "learnt", counts[e] ? "each" : "none", r->rows.count, adze_emotion_name (e));
  return ADZE_OK;
}

adze_status
emo_rows_read (emo_run *r)
{
  adze_artifact *data = r->run->input (r->host, r->context, "data");
  adze_ngrams ngrams = { .count = 0 };
  size_t text = 0, labels = 0;
  adze_status status = find_column (r, data, "text", &text);
  if (status == ADZE_OK)
    status = find_column (r, data, "labels", &labels);
  if (status == ADZE_OK)
    status = adze_ngrams_open (r->host, &r->settings.ngrams, &ngrams);
  if (status == ADZE_OK)
    status = read_all (r, data, text, labels, &ngrams);
  adze_ngrams_close (r->host, &ngrams);
  if (status == ADZE_OK)
    status = check_rows (r);
  return status == ADZE_OK ? draw_order (r) : status;
}

void
emo_rows_close (emo_run *r)
{
  r->host->release (r->host, r->rows.items);
  r->host->release (r->host, r->rows.starts);
  r->host->release (r->host, r->rows.gold);
  r->host->release (r->host, r->rows.order);
}

void
emo_find_idf (const emo_run *r, emo_part part, float *idf)
{
  const size_t buckets = r->settings.ngrams.buckets;
  memset (idf, 0, buckets * sizeof *idf);
  for (size_t i = 0; i < part.count; i++) {
    const size_t row = part.rows[i];
    for (size_t k = r->rows.starts[row]; k < r->rows.starts[row + 1]; k++)
      idf[r->rows.items[k].bucket]++;
  }
  for (size_t b = 0; b < buckets; b++)
    idf[b] = (float)(log ((1 + (double)part.count) / (1 + (double)idf[b])) + 1);
}
