/* SPDX-License-Identifier: Apache-2.0 */
/* kill-peer NUMBER COMMAND...: runs the command and kills it, by SIGKILL, at its system call of that NUMBER, before
 * that is done. Exits with 137 when it was killed so, and otherwise as the command did. Calls are those of the first
 * thread, from the first behind exec on. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static int
run (char **command)
{
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) != 0)
    return 99;
  execvp (command[0], command);
  fprintf (stderr, "kill-peer: cannot run %s: %s\n", command[0], strerror (errno));
  return 99;
}

/* The next stop at a call, at its beginning or its end; signals on the way are passed on. False: it has ended, and
 * *STATUS says how. */
static int
next_stop (pid_t child, int *status)
{
  for (int signal_number = 0;;) {
    if (ptrace (PTRACE_SYSCALL, child, NULL, (void *)(long)signal_number) != 0 || waitpid (child, status, 0) != child)
      return 0;
    if (!WIFSTOPPED (*status))
      return 0;
    signal_number = WSTOPSIG (*status);
    if (signal_number == (SIGTRAP | 0x80))
      return 1;
    if (signal_number == SIGTRAP) /* of exec */
      signal_number = 0;
  }
}

static int
exit_status (int status)
{
  return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

int
main (int argc, char **argv)
{
  int status;
  if (argc < 3)
    return 99;
  const long number = atol (argv[1]);
  const pid_t child = fork ();
  if (child == 0)
    return run (argv + 2);
  if (child < 0 || waitpid (child, &status, 0) != child || !WIFSTOPPED (status)
      || ptrace (PTRACE_SETOPTIONS, child, NULL, (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) != 0)
    return 99;
  for (long call = 1;; call++) {
    if (!next_stop (child, &status))
      return exit_status (status);
    if (call == number) {
      kill (child, SIGKILL);
      waitpid (child, &status, 0);
      return 137;
    }
    if (!next_stop (child, &status)) /* the end of the call */
      return exit_status (status);
  }
}
