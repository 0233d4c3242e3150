/* SPDX-License-Identifier: Apache-2.0 */
/* graph/infer_count.c: sizes that only the numbers themselves tell. */
#define _GNU_SOURCE 1 /* qsort_r */
#include "graph/infer_count.h"

#include <string.h>

/* ---- Elements that are not zero. */

static bool
is_float (const adze_infer_value *value)
{
  return value->dtype.code == ADZE_FLOAT || value->dtype.code == ADZE_BFLOAT;
}

/* A float with nothing but its sign bit set is zero too. */
static bool
is_zero (const unsigned char *element, size_t size, size_t part, bool real)
{
  for (size_t i = 0; i < size; i++) {
    bool top = real && i % part == part - 1;
    if (element[i] & (top ? 0x7f : 0xff))
      return false;
  }
  return true;
}

int64_t
adze_count_nonzero (const adze_infer_value *value)
{
  size_t size = value->dtype.bits / 8;
  bool complex_numbers = value->dtype.code == ADZE_COMPLEX;
  bool real = complex_numbers || is_float (value);
  size_t part = complex_numbers ? size / 2 : size;
  int64_t count = 0, elements = adze_infer_count (value);
  for (int64_t i = 0; i < elements; i++)
    count += !is_zero ((const unsigned char *)value->data + (size_t)i * size, size, part, real);
  return count;
}

/* ---- Different ones. */

/* Rows of bytes, sorted by what is in them. */
static int
compare_rows (const void *one, const void *other, void *size)
{
  return memcmp (*(unsigned char *const *)one, *(unsigned char *const *)other, *(size_t *)size);
}

/* Both zeros of floats are one number. */
static void
drop_signs_of_zero (unsigned char *bytes, size_t size, size_t element, bool real)
{
  for (size_t at = 0; real && at < size; at += element)
    if (is_zero (bytes + at, element, element, true))
      memset (bytes + at, 0, element);
}

/* Copies slice NUMBER along an axis, all its elements behind one another. */
static void
gather_slice (const adze_infer_value *value, size_t number, size_t outer, size_t slices,
              size_t inner, unsigned char *into)
{
  const unsigned char *from = value->data;
  for (size_t i = 0; i < outer; i++)
    memcpy (into + i * inner, from + (i * slices + number) * inner, inner);
}

adze_error *
adze_count_unique (const adze_infer_value *value, int32_t axis, int64_t *count)
{
  size_t element = value->dtype.bits / 8, outer = 1, inner = element;
  size_t elements = (size_t)adze_infer_count (value);
  size_t slices = axis < 0 ? elements : (size_t)value->shape[axis];
  for (int32_t d = 0; axis >= 0 && d < value->rank; d++) {
    if (d < axis)
      outer *= (size_t)value->shape[d];
    else if (d > axis)
      inner *= (size_t)value->shape[d];
  }
  size_t size = outer * inner;
  *count = slices > 0;
  if (elements == 0 || slices < 2)
    return NULL;
  ADZE_AUTO_FREE unsigned char *bytes = malloc (slices * size);
  ADZE_AUTO_FREE unsigned char **rows = calloc (slices, sizeof *rows);
  if (!bytes || !rows)
    return adze_error_memory ();
  bool real = is_float (value);
  for (size_t i = 0; i < slices; i++) {
    rows[i] = bytes + i * size;
    gather_slice (value, i, outer, slices, inner, rows[i]);
    drop_signs_of_zero (rows[i], size, element, real);
  }
  qsort_r (rows, slices, sizeof *rows, compare_rows, &size);
  for (size_t i = 1; i < slices; i++)
    *count += memcmp (rows[i - 1], rows[i], size) != 0;
  return NULL;
}

/* ---- Boxes that stay. */

typedef struct box {
  float top, left, bottom, right;
} box;

static box
box_of (const float *numbers, bool centered)
{
  if (centered)
    return (box){ .top = numbers[1] - numbers[3] / 2, .left = numbers[0] - numbers[2] / 2,
                  .bottom = numbers[1] + numbers[3] / 2, .right = numbers[0] + numbers[2] / 2 };
  bool down = numbers[0] <= numbers[2], along = numbers[1] <= numbers[3];
  return (box){ .top = numbers[down ? 0 : 2], .left = numbers[along ? 1 : 3],
                .bottom = numbers[down ? 2 : 0], .right = numbers[along ? 3 : 1] };
}

static float
area (const box *of)
{
  return (of->bottom - of->top) * (of->right - of->left);
}

/* Does the area that both share pass LIMIT of what they cover together? */
static bool
overlap (const box *a, const box *b, float limit)
{
  box both = { .top = a->top > b->top ? a->top : b->top,
               .left = a->left > b->left ? a->left : b->left,
               .bottom = a->bottom < b->bottom ? a->bottom : b->bottom,
               .right = a->right < b->right ? a->right : b->right };
  if (both.bottom <= both.top || both.right <= both.left)
    return false;
  float shared = area (&both), covered = area (a) + area (b) - shared;
  return covered > 0 && shared / covered > limit;
}

/* Number of a box, and its score. */
typedef struct candidate {
  float score;
  int64_t number;
} candidate;

static int
best_first (const void *one, const void *other)
{
  const candidate *a = one, *b = other;
  if (a->score != b->score)
    return a->score > b->score ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

/* One class of one batch: the boxes that stay come to the front of LIST; how many. */
static int64_t
keep_boxes (const adze_suppression *work, const float *boxes, const float *scores, candidate *list)
{
  int64_t candidates = 0, kept = 0;
  for (int64_t i = 0; i < work->count; i++)
    if (!work->limited || scores[i] > work->score_limit)
      list[candidates++] = (candidate){ .score = scores[i], .number = i };
  qsort (list, (size_t)candidates, sizeof *list, best_first);
  for (int64_t i = 0; i < candidates && kept < work->most; i++) {
    box mine = box_of (boxes + 4 * list[i].number, work->centered);
    bool stays = true;
    for (int64_t j = 0; stays && j < kept; j++) {
      box other = box_of (boxes + 4 * list[j].number, work->centered);
      stays = !overlap (&mine, &other, work->overlap_limit);
    }
    if (stays)
      list[kept++] = list[i];
  }
  return kept;
}

adze_error *
adze_count_kept_boxes (const adze_suppression *work, int64_t *kept, int64_t *count)
{
  *count = 0;
  if (work->count == 0)
    return NULL;
  ADZE_AUTO_FREE candidate *list = calloc ((size_t)work->count, sizeof *list);
  if (!list)
    return adze_error_memory ();
  for (int64_t batch = 0; batch < work->batches; batch++)
    for (int64_t of = 0; of < work->classes; of++) {
      const float *scores = work->scores + (batch * work->classes + of) * work->count;
      int64_t stay = keep_boxes (work, work->boxes + 4 * batch * work->count, scores, list);
      for (int64_t i = 0; kept && i < stay; i++, kept += 3) {
        kept[0] = batch;
        kept[1] = of;
        kept[2] = list[i].number;
      }
      *count += stay;
    }
  return NULL;
}
