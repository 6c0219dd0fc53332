-- What is due is claimed merchant by merchant.
drop index payments_due;
create index payments_due on payments (status, merchant, due_at) where due_at is not null;

drop index refunds_due;
create index refunds_due on refunds (status, merchant, due_at) where due_at is not null;
