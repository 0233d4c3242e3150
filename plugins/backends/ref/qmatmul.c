/* SPDX-License-Identifier: Apache-2.0 */
/* qmatmul.c: MatMulInteger and QLinearMatMul, in integers. */
#include "quant.h"

typedef struct qmatmul_job {
  int64_t rows, inner, columns, batches;
  int32_t batch_rank;
  /* Of each dimension of the batch: its size, and how far A and B move with it (0: they do not). */
  int64_t batch[ADZE_GRAPH_RANK], a_step[ADZE_GRAPH_RANK], b_step[ADZE_GRAPH_RANK];
  const int32_t *a, *b;
  const ref_rescale *scale; /* NULL: the sums are the result */
  bool scaled_by_batch_a, scaled_by_batch_b;
  double *to;
} qmatmul_job;

/* ---- Shapes. */

/* Matrices of an operand along dimension D of the batch, which is RANK dimensions. */
static int64_t
batch_size (const adze_view *view, int32_t rank, int32_t d)
{
  int32_t at = d - (rank - (view->rank - 2));
  return at >= 0 ? view->shape[at] : 1;
}

static adze_status
batches_of (ref_call *call, const adze_view *a, const adze_view *b, qmatmul_job *job)
{
  int32_t rank = (int32_t)ref_most (0, ref_most (a->rank, b->rank) - 2);
  int64_t a_step = 1, b_step = 1;
  job->batch_rank = rank;
  job->batches = 1;
  for (int32_t d = rank - 1; d >= 0; d--) {
    int64_t of_a = batch_size (a, rank, d), of_b = batch_size (b, rank, d);
    if (of_a != of_b && of_a != 1 && of_b != 1)
      return ref_refuse (call, ADZE_E_FORMAT, "a batch of %lld matrices meets one of %lld",
                         (long long)of_a, (long long)of_b);
    job->batch[d] = of_a == 1 ? of_b : of_a;
    job->a_step[d] = of_a == 1 ? 0 : a_step;
    job->b_step[d] = of_b == 1 ? 0 : b_step;
    a_step *= of_a;
    b_step *= of_b;
    job->batches *= job->batch[d];
  }
  return ADZE_OK;
}

/* A vector is one row on the left and one column on the right. */
static adze_status
shapes_of (ref_call *call, size_t right, qmatmul_job *job)
{
  const adze_view *a = ref_in (call, 0), *b = ref_in (call, right), *y = ref_out (call, 0);
  if (!a || !b || !y || a->rank < 1 || b->rank < 1 || a->rank > ADZE_GRAPH_RANK
      || b->rank > ADZE_GRAPH_RANK)
    return ref_refuse (call, ADZE_E_FORMAT, "an operand or the result is left out, or has no rows");
  job->rows = a->rank > 1 ? a->shape[a->rank - 2] : 1;
  job->inner = a->shape[a->rank - 1];
  job->columns = b->rank > 1 ? b->shape[b->rank - 1] : 1;
  int64_t inner = b->shape[b->rank > 1 ? b->rank - 2 : 0];
  if (inner != job->inner)
    return ref_refuse (call, ADZE_E_FORMAT, "rows of %lld numbers meet columns of %lld",
                       (long long)job->inner, (long long)inner);
  if (adze_view_count (y) == 0)
    return ADZE_OK;
  adze_status status = batches_of (call, a, b, job);
  int64_t count;
  if (status == ADZE_OK
      && (__builtin_mul_overflow (job->batches, job->rows, &count)
          || __builtin_mul_overflow (count, job->columns, &count)
          || (size_t)count != adze_view_count (y)))
    return ref_refuse (call, ADZE_E_FORMAT, "the result has %zu elements, and does not fit",
                       adze_view_count (y));
  return status;
}

/* ---- Sums. */

/* Items are rows of the result. */
static adze_status
qmatmul_piece (void *argument, size_t first, size_t last)
{
  const qmatmul_job *job = (const qmatmul_job *)argument;
  for (int64_t item = (int64_t)first; item < (int64_t)last; item++) {
    int64_t row = item % job->rows, rest = item / job->rows, a_matrix = 0, b_matrix = 0;
    for (int32_t d = job->batch_rank - 1; d >= 0; d--) {
      a_matrix += rest % job->batch[d] * job->a_step[d];
      b_matrix += rest % job->batch[d] * job->b_step[d];
      rest /= job->batch[d];
    }
    const int32_t *a = job->a + (a_matrix * job->rows + row) * job->inner;
    const int32_t *b = job->b + b_matrix * job->inner * job->columns;
    int64_t a_scale = (job->scaled_by_batch_a ? a_matrix * job->rows : 0) + row;
    int64_t b_scale = job->scaled_by_batch_b ? b_matrix * job->columns : 0;
    for (int64_t column = 0; column < job->columns; column++) {
      int64_t sum = 0;
      for (int64_t k = 0; k < job->inner; k++)
        sum += (int64_t)a[k] * b[k * job->columns + column];
      /* Sums have 32 bits; what they may overflow by is lost. */
      job->to[item * job->columns + column]
          = job->scale ? ref_rescaled (job->scale, sum, (size_t)a_scale,
                                       (size_t)(b_scale + column))
                       : (double)(int32_t)(uint32_t)(uint64_t)sum;
    }
  }
  return ADZE_OK;
}

/* Less the zero points: one for all, one for each row (of A) or column (of B), or one for each of
 * every matrix. */
static const int32_t *
centred (ref_work *work, size_t index, size_t zero, int64_t rows, int64_t columns, bool by_row)
{
  const adze_view *view = ref_in (work->call, index), *zeros = ref_in (work->call, zero);
  size_t count = zeros ? adze_view_count (zeros) : 1, size = (size_t)(by_row ? rows : columns);
  if (count == 1 || count == size)
    return ref_centred (work, index, zero, by_row ? columns : 1, (int64_t)size);
  size_t elements = adze_view_count (view), matrices = elements / (size_t)(rows * columns);
  const int64_t *numbers = ref_work_ints (work, index), *points = ref_work_ints (work, zero);
  if (work->status == ADZE_OK && count != matrices * size)
    work->status = ref_refuse (work->call, ADZE_E_FORMAT,
                               "input %zu has %zu zero points; it needs 1 or %zu", zero, count,
                               size);
  int32_t *room = ref_work_room (work, elements, sizeof *room);
  for (size_t i = 0; room && i < elements; i++) {
    size_t matrix = i / (size_t)(rows * columns);
    size_t part = by_row ? i / (size_t)columns % size : i % size;
    room[i] = (int32_t)(numbers[i] - points[matrix * size + part]);
  }
  return room;
}

static adze_status
qmatmul_run (ref_work *work, qmatmul_job *job, size_t right, size_t a_zero, size_t b_zero)
{
  if (ref_is_empty (work->call))
    return work->status;
  job->to = ref_work_out (work, 0);
  if (job->inner > 0) {
    job->a = centred (work, 0, a_zero, job->rows, job->inner, true);
    job->b = centred (work, right, b_zero, job->inner, job->columns, false);
  }
  return ref_work_run (work, (size_t)(job->batches * job->rows),
                       ref_cost (job->inner, job->columns, 1), qmatmul_piece, job);
}

/* A, B, a_zero_point, b_zero_point */
adze_status
ref_matmul_integer (ref_call *call)
{
  qmatmul_job job = { .scale = NULL };
  adze_status status = shapes_of (call, 1, &job);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  return qmatmul_run (&work, &job, 1, 2, 3);
}

/* How many scales input INDEX has: one for all, EACH, or EACH for every one of its matrices. */
static adze_status
scales_of (ref_call *call, size_t index, size_t operand, int64_t each, int64_t inner, size_t *count,
           bool *by_batch)
{
  size_t elements = adze_view_count (call->inputs[operand]);
  size_t matrices = each > 0 && inner > 0 ? elements / (size_t)(each * inner) : 1;
  *count = adze_view_count (call->inputs[index]);
  *by_batch = *count != 1 && *count != (size_t)each;
  if (!*by_batch || *count == matrices * (size_t)each)
    return ADZE_OK;
  return ref_refuse (call, ADZE_E_FORMAT, "input %zu has %zu scales; it needs 1 or %lld", index,
                     *count, (long long)each);
}

/* a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point */
adze_status
ref_qlinear_matmul (ref_call *call)
{
  qmatmul_job job = { .scale = NULL };
  ref_rescale scale = { .a_count = 1 };
  adze_status status = shapes_of (call, 3, &job);
  for (size_t i = 1; status == ADZE_OK && i < 8; i++)
    status = ref_need (call, i, "a scale or a zero point");
  if (status == ADZE_OK)
    status = scales_of (call, 1, 0, job.rows, job.inner, &scale.a_count, &job.scaled_by_batch_a);
  if (status == ADZE_OK)
    status = scales_of (call, 4, 3, job.columns, job.inner, &scale.b_count, &job.scaled_by_batch_b);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  scale.a = ref_work_in (&work, 1);
  scale.b = ref_work_in (&work, 4);
  scale.result = ref_work_scalar (&work, 6, 1);
  scale.zero = ref_work_scalar (&work, 7, 0);
  job.scale = &scale;
  return qmatmul_run (&work, &job, 3, 2, 5);
}
