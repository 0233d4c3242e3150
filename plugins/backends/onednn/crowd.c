/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c: how oneDNN's threads wait for each other when somebody else wants the processors too.
 *
 * A thread that waits for the others of a loop turns in a circle for a while. Where each has a processor to
 * itself nothing is faster. Where a stranger wants one of them nothing is slower: the thread that is waited
 * for shares its processor with the stranger, while the one that waits keeps the other for nothing; asleep it
 * would leave it to them. OpenMP has its threads sleep at once when it has more of them than there are
 * processors, and while it runs that is the only word about it that it takes. So it is given some more, which do
 * nothing, for as long as there is a crowd. */
#include "onednn.h"

#include <sys/resource.h>
#include <time.h>

#define MS UINT64_C (1000000)
/* A look so often; a thread taken from its processor this many times meanwhile is a crowd. Two threads beside
 * one stranger are, 21 to 65 times, and alone on two processors 0 to 11 times. */
#define LOOK (50 * MS)
#define TAKEN 16
/* Sleeping threads are not taken from anything, so that the end of a crowd shows by trying alone: first after
 * the one time, and after up to the other where it was in vain. */
#define FIRST_TRY (100 * MS)
#define LAST_TRY (6400 * MS)

static uint64_t
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_MONOTONIC_COARSE, &time);
  return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

/* How often the threads of this process had to make room for others. */
static uint64_t
times_taken (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (uint64_t)usage.ru_nivcsw;
}

static void
nothing (void *argument)
{
  (void)argument;
}

/* So many that there are more than processors. */
static unsigned
team_of (const onednn_crowd *crowd)
{
  int missing = omp_get_num_procs () - crowd->threads;
  return (unsigned)(missing > 0 ? missing + 2 : 2);
}

/* A loop of so many threads, which stay until the thread that began it ends. */
static void *
be_more (void *argument)
{
  onednn_crowd *crowd = argument;
  GOMP_parallel (nothing, NULL, team_of (crowd), 0);
  while (sem_wait (&crowd->over) != 0)
    continue;
  return NULL;
}

/* ---- Can there be more threads? OpenMP ends the process where there cannot. */

enum { PROBES = 64 };

static void *
wait_for (void *argument)
{
  while (sem_wait ((sem_t *)argument) != 0)
    continue;
  return NULL;
}

/* They end again: their stacks stay with the C library, and the next ones get them. Of very many the first ones
 * are tried. */
bool
onednn_threads_fit (unsigned count)
{
  pthread_t probes[PROBES];
  unsigned made = 0;
  sem_t go;
  count = count < PROBES ? count : PROBES;
  if (sem_init (&go, 0, 0) != 0)
    return false;
  while (made < count && pthread_create (&probes[made], NULL, wait_for, &go) == 0)
    made++;
  for (unsigned i = 0; i < made; i++)
    sem_post (&go);
  for (unsigned i = 0; i < made; i++)
    pthread_join (probes[i], NULL);
  sem_destroy (&go);
  return made == count;
}

static void
begin (onednn_crowd *crowd, uint64_t time)
{
  if (!onednn_threads_fit (team_of (crowd)) || pthread_create (&crowd->more, NULL, be_more, crowd) != 0)
    return; /* then they go on as they did */
  crowd->is = true;
  bool in_vain = crowd->patience > 0 && time - crowd->since < 10 * LOOK;
  crowd->patience = in_vain ? crowd->patience * 2 : FIRST_TRY;
  if (crowd->patience > LAST_TRY)
    crowd->patience = LAST_TRY;
}

static void
end (onednn_crowd *crowd)
{
  sem_post (&crowd->over);
  pthread_join (crowd->more, NULL);
  crowd->is = false;
}

void
onednn_crowd_open (onednn_crowd *crowd, int threads)
{
  sem_init (&crowd->over, 0, 0);
  crowd->threads = threads;
  crowd->since = crowd->looked = now ();
  crowd->taken = times_taken ();
}

void
onednn_crowd_look (onednn_crowd *crowd)
{
  uint64_t time = now (), passed = time - crowd->looked;
  if (crowd->threads < 2 || passed < (crowd->is ? crowd->patience : LOOK))
    return;
  uint64_t taken = times_taken ();
  if (crowd->is) {
    end (crowd);
    crowd->since = time;
  } else if ((taken - crowd->taken) * LOOK >= TAKEN * passed)
    begin (crowd, time);
  crowd->looked = time;
  crowd->taken = taken;
}

void
onednn_crowd_close (onednn_crowd *crowd)
{
  if (crowd->is)
    end (crowd);
  sem_destroy (&crowd->over);
}
