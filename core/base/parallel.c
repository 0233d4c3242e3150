/* SPDX-License-Identifier: Apache-2.0 */
/* base/parallel.c: the one pool of threads, and work cut into pieces that it does.
 *
 * A job is COUNT pieces with a number each. The caller and the pool's threads take them in the
 * order of their numbers. What a piece computes never depends on who took it.
 */
#define _GNU_SOURCE 1
#include "base/parallel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* More is a slip of a finger, and each costs a stack. */
#define THREADS_MAX 4096u

/* Blocks of leaves per thread in a reduction: enough that a slow one does not keep the others
 * waiting for long, few enough that their results fit in memory however many leaves there are. */
#define BLOCKS_PER_THREAD 8u

/* Results of different threads lie in different cache lines, and suit any type. */
#define RESULT_ALIGNMENT 64u

typedef struct pool_job pool_job;
/* Does the piece INDEX. PARTICIPANT numbers the threads that take part, from 0. */
typedef adze_status (*job_work) (pool_job *job, size_t index, unsigned participant);

struct pool_job {
  job_work work;
  const void *context; /* of WORK */
  const adze_pool_hooks *hooks;
  pthread_mutex_t *mutex; /* the pool's */
  atomic_size_t next;     /* the first piece that nobody has taken */
  /* Pieces from here on are not begun: the number of pieces, then the lowest that failed. Pieces
   * are taken in order, so when one fails all below it have been taken, and as they still run to
   * their end, the failure that is reported does not depend on timing. */
  atomic_size_t limit;
  adze_status status;    /* of the piece LIMIT; under the mutex */
  unsigned seats;        /* how many threads may still join; under the mutex */
  unsigned participants; /* how many have joined, the caller included; under the mutex */
  unsigned active;       /* pool threads at work; under the mutex */
};

struct adze_pool {
  unsigned threads; /* the caller included */
  unsigned started;
  pthread_t *workers; /* threads - 1; the first STARTED of them run */
  pthread_mutex_t mutex;
  pthread_cond_t wake; /* a job has seats, or the pool closes */
  pthread_cond_t idle; /* the last thread left the pool_job */
  pool_job *job;            /* the one that threads may join, or NULL */
  bool busy;           /* somebody's job is under way */
  bool closing;
};

/* ---- Opening and closing. */

static unsigned
usable_processors (void)
{
  /* The mask is asked for with growing room: the kernel refuses one that is too small for it. */
  for (size_t processors = 1024; processors <= (1u << 20); processors *= 4) {
    cpu_set_t *set = CPU_ALLOC (processors);
    if (!set)
      return 1;
    size_t size = CPU_ALLOC_SIZE (processors);
    int failure = sched_getaffinity (0, size, set) == 0 ? 0 : errno;
    int count = failure ? 0 : CPU_COUNT_S (size, set);
    CPU_FREE (set);
    if (count > 0)
      return (unsigned)count < THREADS_MAX ? (unsigned)count : THREADS_MAX;
    if (failure != EINVAL)
      break;
  }
  return 1;
}

adze_error *
adze_pool_open (unsigned threads, adze_pool **pool)
{
  if (threads > THREADS_MAX)
    return adze_error_new (ADZE_E_LIMIT, "%u threads were asked for; use at most %u, or 0 for as "
                           "many as there are processors", threads, THREADS_MAX);
  if (threads == 0)
    threads = usable_processors ();
  ADZE_AUTO_FREE adze_pool *made = calloc (1, sizeof *made);
  ADZE_AUTO_FREE pthread_t *workers = calloc (threads, sizeof *workers);
  if (!made || !workers)
    return adze_error_memory ();
  /* With default attributes these take no memory and cannot fail on Linux. */
  pthread_mutex_init (&made->mutex, NULL);
  pthread_cond_init (&made->wake, NULL);
  pthread_cond_init (&made->idle, NULL);
  made->threads = threads;
  made->workers = adze_take (&workers);
  *pool = adze_take (&made);
  return NULL;
}

void
adze_pool_close (adze_pool *pool)
{
  if (!pool)
    return;
  pthread_mutex_lock (&pool->mutex);
  pool->closing = true;
  pthread_cond_broadcast (&pool->wake);
  pthread_mutex_unlock (&pool->mutex);
  for (unsigned i = 0; i < pool->started; i++)
    pthread_join (pool->workers[i], NULL);
  pthread_cond_destroy (&pool->idle);
  pthread_cond_destroy (&pool->wake);
  pthread_mutex_destroy (&pool->mutex);
  free (pool->workers);
  free (pool);
}

unsigned
adze_pool_threads (const adze_pool *pool)
{
  return pool->threads;
}

/* ---- Doing a job. */

static void
call_hook (void (*hook) (void *context), const adze_pool_hooks *hooks)
{
  if (hook)
    hook (hooks->context);
}

static void
note_failure (pool_job *job, size_t index, adze_status status)
{
  pthread_mutex_lock (job->mutex);
  if (index < atomic_load (&job->limit)) {
    atomic_store (&job->limit, index);
    job->status = status;
  }
  pthread_mutex_unlock (job->mutex);
}

/* Takes pieces until none is left. The hooks are for threads that got one at all. */
static void
take_pieces (pool_job *job, unsigned participant)
{
  bool entered = false;
  for (;;) {
    size_t index = atomic_fetch_add (&job->next, 1);
    if (index >= atomic_load (&job->limit))
      break;
    if (!entered && job->hooks)
      call_hook (job->hooks->enter, job->hooks);
    entered = true;
    adze_status status = job->work (job, index, participant);
    if (status != ADZE_OK)
      note_failure (job, index, status);
  }
  if (entered && job->hooks)
    call_hook (job->hooks->leave, job->hooks);
}

static void *
worker_main (void *argument)
{
  adze_pool *pool = argument;
  pthread_mutex_lock (&pool->mutex);
  while (!pool->closing) {
    pool_job *job = pool->job;
    if (!job || job->seats == 0) {
      pthread_cond_wait (&pool->wake, &pool->mutex);
      continue;
    }
    /* The seat is not given back: a thread that found no piece left would come again and again. */
    job->seats--;
    job->active++;
    unsigned participant = job->participants++;
    pthread_mutex_unlock (&pool->mutex);
    take_pieces (job, participant);
    pthread_mutex_lock (&pool->mutex);
    if (--job->active == 0)
      pthread_cond_signal (&pool->idle);
  }
  pthread_mutex_unlock (&pool->mutex);
  return NULL;
}

/* Called with the mutex held. A refused thread is no failure: fewer do the same work. */
static void
start_workers (adze_pool *pool, unsigned wanted)
{
  if (pool->started >= wanted)
    return;
  /* The program's signals are for its own threads, which expect them. */
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  while (pool->started < wanted
         && pthread_create (&pool->workers[pool->started], NULL, worker_main, pool) == 0)
    pool->started++;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
}

/* Shows the job to the pool's threads. False: the pool has other work. */
static bool
offer (adze_pool *pool, pool_job *job, unsigned helpers)
{
  pthread_mutex_lock (&pool->mutex);
  bool offered = !pool->busy;
  if (offered) {
    pool->busy = true;
    start_workers (pool, helpers);
    job->seats = helpers;
    pool->job = job;
    pthread_cond_broadcast (&pool->wake);
  }
  pthread_mutex_unlock (&pool->mutex);
  return offered;
}

/* Afterwards no thread knows of the job, which lives on the caller's stack. */
static void
withdraw (adze_pool *pool, pool_job *job)
{
  pthread_mutex_lock (&pool->mutex);
  pool->job = NULL;
  while (job->active > 0)
    pthread_cond_wait (&pool->idle, &pool->mutex);
  pool->busy = false;
  pthread_mutex_unlock (&pool->mutex);
}

/* How many threads can do something useful for that many pieces. */
static unsigned
participants_for (const adze_pool *pool, size_t pieces)
{
  return pieces < pool->threads ? (unsigned)pieces : pool->threads;
}

static adze_status
run_job (adze_pool *pool, const adze_pool_hooks *hooks, size_t pieces, job_work work,
         const void *context)
{
  if (pieces == 0)
    return ADZE_OK;
  pool_job job = {
    .work = work,
    .context = context,
    .hooks = hooks,
    .mutex = &pool->mutex,
    .status = ADZE_OK,
    .participants = 1,
  };
  atomic_init (&job.next, 0);
  atomic_init (&job.limit, pieces);
  unsigned helpers = participants_for (pool, pieces) - 1;
  bool offered = helpers > 0 && offer (pool, &job, helpers);
  take_pieces (&job, 0);
  if (offered)
    withdraw (pool, &job);
  return job.status;
}

/* ---- For each. */

/* COUNT items cut into pieces of GRAIN. */
typedef struct item_cut {
  size_t count;
  size_t grain;
} item_cut;

static item_cut
cut_make (size_t count, size_t grain)
{
  return (item_cut){ .count = count, .grain = grain ? grain : 1 };
}

static size_t
cut_pieces (item_cut cut)
{
  return cut.count / cut.grain + (cut.count % cut.grain != 0);
}

static size_t
cut_first (item_cut cut, size_t piece)
{
  return piece * cut.grain;
}

static size_t
cut_last (item_cut cut, size_t piece)
{
  size_t first = cut_first (cut, piece);
  return cut.count - first < cut.grain ? cut.count : first + cut.grain;
}

typedef struct each_call {
  item_cut cut;
  adze_parallel_body body;
  void *argument;
} each_call;

static adze_status
for_each_piece (pool_job *job, size_t index, unsigned participant)
{
  (void)participant;
  const each_call *each = job->context;
  return each->body (each->argument, cut_first (each->cut, index), cut_last (each->cut, index));
}

adze_status
adze_pool_for (adze_pool *pool, const adze_pool_hooks *hooks, size_t count, size_t grain,
               adze_parallel_body body, void *argument)
{
  each_call each = { .cut = cut_make (count, grain), .body = body, .argument = argument };
  return run_job (pool, hooks, cut_pieces (each.cut), for_each_piece, &each);
}

/* ---- Reduce.
 *
 * The tree: N leaves are the merge of a left part, which has the largest power of two of leaves
 * that is less than N, and a right part with the rest; both parts likewise. It depends on N alone.
 *
 * To share the work the leaves are cut into blocks of 2^K, one piece each. In this tree a full
 * block at a multiple of 2^K is a subtree of its own, and so is what is left at the end. Whatever
 * K is, reducing each block and then the blocks' results gives the same tree. So K may follow the
 * number of threads, which bounds the memory, and the result does not.
 */

typedef struct reduce_call {
  item_cut leaves;
  item_cut blocks; /* of leaves */
  adze_parallel_leaf leaf;
  adze_parallel_merge merge;
  void *argument;
  void *result; /* what block 0 gives, and in the end everything */
  size_t result_size;
  /* The results of blocks 1, 2, ..., then DEPTH places for each participant: one for the right
   * part at each level of a block's tree. STRIDE bytes each. */
  char *room;
  size_t stride;
  unsigned depth;
} reduce_call;

static size_t
left_part (size_t count)
{
  size_t left = 1;
  while (left < count - left)
    left *= 2;
  return left;
}

static void *
block_result (const reduce_call *reduction, size_t block)
{
  return block == 0 ? reduction->result : reduction->room + (block - 1) * reduction->stride;
}

static char *
participant_room (const reduce_call *reduction, unsigned participant)
{
  size_t before = cut_pieces (reduction->blocks) - 1 + (size_t)participant * reduction->depth;
  return reduction->room + before * reduction->stride;
}

/* The leaves FIRST to FIRST + COUNT - 1 of block BLOCK into RESULT; ROOM is for the right parts. */
static adze_status
reduce_leaves (pool_job *job, size_t block, size_t first, size_t count, void *result, char *room)
{
  const reduce_call *reduction = job->context;
  if (count == 1) {
    /* An earlier block has failed: what this one would give is not wanted any more, whatever it
     * is. The status is only to get out; note_failure does not take it. */
    if (block > atomic_load (&job->limit))
      return ADZE_E_CANCELLED;
    if (reduction->result_size > 0)
      memset (result, 0, reduction->result_size);
    return reduction->leaf (reduction->argument, cut_first (reduction->leaves, first),
                            cut_last (reduction->leaves, first), result);
  }
  size_t left = left_part (count);
  adze_status status = reduce_leaves (job, block, first, left, result, room);
  if (status == ADZE_OK)
    status = reduce_leaves (job, block, first + left, count - left, room,
                            room + reduction->stride);
  if (status == ADZE_OK)
    reduction->merge (reduction->argument, result, room);
  return status;
}

static adze_status
reduce_block (pool_job *job, size_t index, unsigned participant)
{
  const reduce_call *reduction = job->context;
  size_t first = cut_first (reduction->blocks, index);
  return reduce_leaves (job, index, first, cut_last (reduction->blocks, index) - first,
                        block_result (reduction, index),
                        participant_room (reduction, participant));
}

/* The upper part of the tree: the results of COUNT blocks into that of block FIRST. */
static void
merge_blocks (const reduce_call *reduction, size_t first, size_t count)
{
  if (count == 1)
    return;
  size_t left = left_part (count);
  merge_blocks (reduction, first, left);
  merge_blocks (reduction, first + left, count - left);
  reduction->merge (reduction->argument, block_result (reduction, first),
                    block_result (reduction, first + left));
}

/* The smallest power of two of leaves a block that keeps the number of blocks in bounds. */
static void
cut_blocks (reduce_call *reduction, unsigned threads)
{
  size_t leaves = cut_pieces (reduction->leaves);
  size_t most = threads == 1 ? 1 : (size_t)threads * BLOCKS_PER_THREAD;
  size_t size = 1;
  reduction->depth = 0;
  for (; size <= SIZE_MAX / 2 && (leaves - 1) / size >= most; size *= 2)
    reduction->depth++;
  reduction->blocks = cut_make (leaves, size);
}

static bool
make_room (reduce_call *reduction, unsigned participants)
{
  size_t places = cut_pieces (reduction->blocks) - 1 + (size_t)participants * reduction->depth;
  size_t size = reduction->result_size;
  if (size > SIZE_MAX - RESULT_ALIGNMENT)
    return false;
  reduction->stride = (size + RESULT_ALIGNMENT - 1) / RESULT_ALIGNMENT * RESULT_ALIGNMENT;
  size_t bytes;
  if (__builtin_mul_overflow (places, reduction->stride, &bytes))
    return false;
  /* Never zero bytes, so that NULL means one thing. */
  reduction->room = aligned_alloc (RESULT_ALIGNMENT, bytes ? bytes : RESULT_ALIGNMENT);
  return reduction->room != NULL;
}

static adze_status
run_reduction (adze_pool *pool, const adze_pool_hooks *hooks, reduce_call *reduction)
{
  cut_blocks (reduction, pool->threads);
  size_t blocks = cut_pieces (reduction->blocks);
  if (!make_room (reduction, participants_for (pool, blocks)))
    return ADZE_E_MEMORY;
  adze_status status = run_job (pool, hooks, blocks, reduce_block, reduction);
  if (status == ADZE_OK && blocks > 1) {
    if (hooks)
      call_hook (hooks->enter, hooks);
    merge_blocks (reduction, 0, blocks);
    if (hooks)
      call_hook (hooks->leave, hooks);
  }
  free (reduction->room);
  return status;
}

adze_status
adze_pool_reduce (adze_pool *pool, const adze_pool_hooks *hooks, size_t count, size_t grain,
                  adze_parallel_leaf leaf, adze_parallel_merge merge, void *argument, void *result,
                  size_t result_size)
{
  reduce_call reduction = {
    .leaves = cut_make (count, grain),
    .leaf = leaf,
    .merge = merge,
    .argument = argument,
    .result = result,
    .result_size = result_size,
  };
  adze_status status = count > 0 ? run_reduction (pool, hooks, &reduction) : ADZE_OK;
  if (result_size > 0 && (status != ADZE_OK || count == 0))
    memset (result, 0, result_size);
  return status;
}
