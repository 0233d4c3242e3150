/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that takes one call at a time. */
#include "stage/spawner.h"

#include <pthread.h>
#include <signal.h>

struct adze_spawner {
  pthread_t thread;
  bool started;
  bool ending;
  pthread_mutex_t turn; /* held by who is being served */
  pthread_mutex_t lock; /* guards the rest */
  pthread_cond_t changed;
  adze_error *(*function) (void *argument); /* NULL: nothing to do */
  void *argument;
  adze_error *error;
  bool done;
};

adze_spawner *
adze_spawner_new (void)
{
  adze_spawner *spawner = calloc (1, sizeof *spawner);
  if (!spawner)
    return NULL;
  pthread_mutex_init (&spawner->turn, NULL);
  pthread_mutex_init (&spawner->lock, NULL);
  pthread_cond_init (&spawner->changed, NULL);
  return spawner;
}

static void *
serve (void *argument)
{
  adze_spawner *spawner = argument;
  pthread_mutex_lock (&spawner->lock);
  while (!spawner->ending) {
    if (!spawner->function) {
      pthread_cond_wait (&spawner->changed, &spawner->lock);
      continue;
    }
    adze_error *(*function) (void *) = spawner->function;
    spawner->function = NULL;
    pthread_mutex_unlock (&spawner->lock);
    adze_error *error = function (spawner->argument);
    pthread_mutex_lock (&spawner->lock);
    spawner->error = error;
    spawner->done = true;
    pthread_cond_broadcast (&spawner->changed);
  }
  pthread_mutex_unlock (&spawner->lock);
  return NULL;
}

/* Signals are for the threads of the program that embeds us. */
static adze_error *
start (adze_spawner *spawner)
{
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  int failure = pthread_create (&spawner->thread, NULL, serve, spawner);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  spawner->started = failure == 0;
  return failure == 0 ? NULL
                      : adze_error_new (ADZE_E_LIMIT, "a thread that starts processes cannot be made");
}

adze_error *
adze_spawner_call (adze_spawner *spawner, adze_error *(*function) (void *argument), void *argument)
{
  pthread_mutex_lock (&spawner->turn);
  adze_error *error = spawner->started ? NULL : start (spawner);
  if (!error) {
    pthread_mutex_lock (&spawner->lock);
    spawner->function = function;
    spawner->argument = argument;
    spawner->done = false;
    pthread_cond_broadcast (&spawner->changed);
    while (!spawner->done)
      pthread_cond_wait (&spawner->changed, &spawner->lock);
    error = adze_take (&spawner->error);
    pthread_mutex_unlock (&spawner->lock);
  }
  pthread_mutex_unlock (&spawner->turn);
  return error;
}

void
adze_spawner_close (adze_spawner *spawner)
{
  if (!spawner)
    return;
  pthread_mutex_lock (&spawner->lock);
  spawner->ending = true;
  pthread_cond_broadcast (&spawner->changed);
  pthread_mutex_unlock (&spawner->lock);
  if (spawner->started)
    pthread_join (spawner->thread, NULL);
  pthread_cond_destroy (&spawner->changed);
  pthread_mutex_destroy (&spawner->lock);
  pthread_mutex_destroy (&spawner->turn);
  free (spawner);
}
