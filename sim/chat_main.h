/* sim/chat_main.h - lampsim chat: options, and commands on standard input. */
#ifndef LF_SIM_CHAT_MAIN_H
#define LF_SIM_CHAT_MAIN_H

/* argv[0] is "chat". Returns the exit status. */
int chat_main(int argc, char **argv);

#endif
