/* An intrusive doubly linked list. A link is embedded in the element; list_entry leads back to it. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))
#define list_each(link, head)          for (struct list *link = (head)->next; link != (head); link = link->next)
/* The element under the cursor may be removed. */
#define list_each_safe(link, head)                                                                           \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head);                        \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

/* Removing a link twice, or one that list_init made, is harmless. */
static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

static inline struct list *list_first(struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

#endif
