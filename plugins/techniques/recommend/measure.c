/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c: a tensor is written by each candidate and read again, all of it, and what came back is held against
 * what was there. Nothing is estimated. */
#include "recommend.h"

#include <math.h>
#include <string.h>

typedef struct trial {
  const recommend_run *r;
  adze_codec_use *use;
  const adze_tensor_meta *meta;
  const float *values;
  adze_coded coded;
  void *found;
  void *planes[ADZE_PLANES_MAX];
  uint64_t rows, columns, at_once;
  double *noise; /* of each piece of AT_ONCE rows */
} trial;

/* ---- The numbers. */

static adze_status
check_finite (const adze_host *host, const adze_tensor_meta *meta, const float *values, uint64_t count)
{
  if (adze_numbers_are_finite ((adze_dtype){ ADZE_FLOAT, 32, 1 }, values, (size_t)count))
    return ADZE_OK;
  uint64_t at = 0;
  while (values[at] - values[at] == 0)
    at++;
  return adze_fail (host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' is %s at element %llu, which no codec can write; mend the model, or leave the "
                    "tensor as it is by the parameter 'keep'",
                    meta->name, values[at] == values[at] ? "infinite" : "NaN", (unsigned long long)at);
}

/* As float32, to be released. */
static adze_status
read_values (const recommend_run *r, const recommend_tensor *tensor, const adze_tensor_meta *meta, float **values)
{
  size_t bytes = (size_t)meta->byte_size;
  float *made = (float *)r->host->allocate (r->host, (size_t)tensor->elements * sizeof *made + 1);
  void *raw = made && meta->dtype.bits != 32 ? r->host->allocate (r->host, bytes + 1) : (void *)made;
  *values = NULL;
  adze_status status = raw ? r->run->read_tensor (r->host, r->model, tensor->index, 0, raw, bytes)
                           : adze_fail (r->host, ADZE_E_MEMORY, "no room for the numbers of '%s'", meta->name);
  if (status == ADZE_OK && raw != made)
    adze_floats_read (meta->dtype, raw, (size_t)tensor->elements, made);
  if (raw && raw != made)
    r->host->release (r->host, raw);
  if (status == ADZE_OK)
    status = check_finite (r->host, meta, made, tensor->elements);
  if (status == ADZE_OK)
    *values = made;
  else if (made)
    r->host->release (r->host, made);
  return status;
}

static double
sum_of_squares (const float *values, uint64_t count)
{
  double sum = 0;
  for (uint64_t i = 0; i < count; i++)
    sum += (double)values[i] * (double)values[i];
  return sum;
}

/* ---- One candidate. */

static uint64_t
plane_bytes (const trial *t, uint32_t number)
{
  const adze_plane *plane = &t->coded.planes[number];
  uint64_t elements = 1;
  if (plane->by_rows)
    return t->rows * adze_plane_row_bytes (&t->coded, number, t->meta);
  for (int32_t i = 0; i < plane->rank; i++)
    elements *= (uint64_t)plane->shape[i];
  return (elements * plane->dtype.bits + 7) / 8;
}

static adze_coding
rows_of (const trial *t, uint64_t first, uint64_t count, float *values)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = t->meta,
                         .coded = &t->coded,
                         .found = t->found,
                         .first_row = first,
                         .row_count = count,
                         .columns = t->columns,
                         .values = values };
  for (uint32_t i = 0; i < t->coded.plane_count; i++)
    coding.planes[i] = (char *)t->planes[i] + first * adze_plane_row_bytes (&t->coded, i, t->meta);
  return coding;
}

static adze_status
encode_some (void *argument, size_t first, size_t last)
{
  const trial *t = (const trial *)argument;
  adze_coding coding = rows_of (t, first, last - first, (float *)t->values + first * t->columns);
  return t->r->codecs->encode (t->r->host, t->use, &coding);
}

static adze_status
compare_some (void *argument, size_t first, size_t last)
{
  const trial *t = (const trial *)argument;
  const adze_host *host = t->r->host;
  uint64_t count = (last - first) * t->columns;
  const float *values = t->values + first * t->columns;
  float *back = (float *)host->allocate (host, (size_t)count * sizeof *back + 1);
  if (!back)
    return adze_fail (host, ADZE_E_MEMORY, "no room for numbers of '%s'", t->meta->name);
  adze_coding coding = rows_of (t, first, last - first, back);
  coding.found = NULL;
  adze_status status = t->r->codecs->decode (host, t->use, &coding);
  double noise = 0;
  for (uint64_t i = 0; status == ADZE_OK && i < count; i++) {
    double error = (double)values[i] - (double)back[i];
    noise += error * error;
  }
  t->noise[first / t->at_once] = noise;
  host->release (host, back);
  return status;
}

static adze_status
observe_all (trial *t)
{
  const adze_host *host = t->r->host;
  size_t size = t->r->codecs->accumulator (host, t->use, t->meta);
  if (size == 0)
    return ADZE_OK;
  t->found = host->allocate (host, size);
  if (!t->found)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what is seen of '%s'", t->meta->name);
  return t->r->codecs->observe (host, t->use, t->meta, t->values, 0, t->rows * t->columns, t->found);
}

static adze_status
make_room (trial *t, uint64_t *bytes)
{
  const adze_host *host = t->r->host;
  const uint64_t numbers = 65536;
  *bytes = 0;
  for (uint32_t i = 0; i < t->coded.plane_count; i++) {
    uint64_t size = plane_bytes (t, i);
    *bytes += size;
    t->planes[i] = host->allocate (host, (size_t)size + 1);
    if (!t->planes[i])
      return adze_fail (host, ADZE_E_MEMORY, "no room for the codes of '%s'", t->meta->name);
  }
  t->at_once = t->coded.whole || t->columns == 0 ? t->rows : t->columns < numbers ? numbers / t->columns : 1;
  t->at_once += t->at_once == 0;
  t->noise = (double *)host->allocate (host, (size_t)(t->rows / t->at_once + 1) * sizeof *t->noise);
  return t->noise ? ADZE_OK : adze_fail (host, ADZE_E_MEMORY, "no room for the errors of '%s'", t->meta->name);
}

static void
end_trial (trial *t)
{
  const adze_host *host = t->r->host;
  for (uint32_t i = 0; i < ADZE_PLANES_MAX; i++)
    if (t->planes[i])
      host->release (host, t->planes[i]);
  if (t->found)
    host->release (host, t->found);
  if (t->noise)
    host->release (host, t->noise);
}

/* Its error is summed up in the order of rows, whichever thread had which. */
static adze_status
try_rows (trial *t, recommend_option *option)
{
  adze_status status = make_room (t, &option->bytes);
  if (status == ADZE_OK)
    status = adze_parallel_for (t->r->host, (size_t)t->rows, (size_t)t->at_once, encode_some, t);
  if (status == ADZE_OK)
    status = adze_parallel_for (t->r->host, (size_t)t->rows, (size_t)t->at_once, compare_some, t);
  option->noise = 0;
  for (uint64_t i = 0; status == ADZE_OK && i * t->at_once < t->rows; i++)
    option->noise += t->noise[i];
  return status;
}

static adze_status
try_candidate (trial *t, recommend_option *option)
{
  adze_status status = observe_all (t);
  if (status == ADZE_OK)
    status = t->r->codecs->describe (t->r->host, t->use, t->meta, t->found, &t->coded);
  if (status != ADZE_OK)
    return status;
  t->rows = adze_coded_rows (&t->coded, t->meta);
  t->columns = adze_coded_columns (&t->coded, t->meta);
  return try_rows (t, option);
}

/* ---- All of them. */

/* One that cannot have this tensor, or numbers of its size, is none for it. */
static bool
is_no_candidate (adze_status status)
{
  return status == ADZE_E_UNSUPPORTED || status == ADZE_E_LIMIT;
}

static adze_status
try_all (const recommend_run *r, recommend_tensor *tensor, const adze_tensor_meta *meta, const float *values)
{
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < r->candidate_count; i++) {
    recommend_option *option = &tensor->options[tensor->option_count];
    trial t = { .r = r, .use = r->candidates[i], .meta = meta, .values = values };
    t.rows = 1;
    t.columns = tensor->elements;
    option->candidate = i;
    status = try_candidate (&t, option);
    end_trial (&t);
    if (status == ADZE_OK && isfinite (option->noise))
      tensor->option_count++;
    else if (status == ADZE_OK)
      adze_log (r->host, ADZE_LOG_WARNING, "the codec '%s' makes numbers of '%s' that are not finite, and is no candidate for it",
                r->codecs->id (t.use), tensor->name);
    else if (is_no_candidate (status))
      status = ADZE_OK;
  }
  return status;
}

/* As if the mean square of its numbers were one. */
static void
set_against_itself (recommend_tensor *tensor)
{
  if (tensor->signal == 0)
    return;
  for (uint32_t i = 0; i < tensor->option_count; i++)
    tensor->options[i].noise *= (double)tensor->elements / tensor->signal;
  tensor->signal = (double)tensor->elements;
}

adze_status
recommend_measure (recommend_run *r, recommend_tensor *tensor)
{
  const adze_tensor_meta *meta = r->run->tensor (r->host, r->model, tensor->index);
  float *values;
  tensor->options = (recommend_option *)r->host->allocate (r->host,
                                                           (r->candidate_count + 1) * sizeof *tensor->options);
  if (!tensor->options)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for what may become of '%s'", tensor->name);
  tensor->options[tensor->option_count++] = (recommend_option){ RECOMMEND_AS_IS, tensor->bytes, 0 };
  if (tensor->left_out)
    return ADZE_OK;
  adze_status status = read_values (r, tensor, meta, &values);
  if (status != ADZE_OK)
    return status;
  tensor->signal = sum_of_squares (values, tensor->elements);
  status = try_all (r, tensor, meta, values);
  r->host->release (r->host, values);
  if (strcmp (adze_param_string (r->host, r->params, "error"), "relative") == 0)
    set_against_itself (tensor);
  return status;
}
