/* core/banned.h - functions that cannot be used safely do not compile. */
#ifndef LF_CORE_BANNED_H
#define LF_CORE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define LF_BANNED(name) lf_##name##_is_banned
#undef strcpy
#define strcpy(d, s) LF_BANNED(strcpy)
#undef strcat
#define strcat(d, s) LF_BANNED(strcat)
#undef strncpy
#define strncpy(d, s, n) LF_BANNED(strncpy)
#undef strncat
#define strncat(d, s, n) LF_BANNED(strncat)
#undef strtok
#define strtok(s, d) LF_BANNED(strtok)
#undef sprintf
#define sprintf(...) LF_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) LF_BANNED(vsprintf)
#undef gets
#define gets(s) LF_BANNED(gets)
#undef localtime
#define localtime(t) LF_BANNED(localtime)
#undef gmtime
#define gmtime(t) LF_BANNED(gmtime)
#undef asctime
#define asctime(t) LF_BANNED(asctime)
#undef ctime
#define ctime(t) LF_BANNED(ctime)
#undef atoi
#define atoi(s) LF_BANNED(atoi)

#endif
