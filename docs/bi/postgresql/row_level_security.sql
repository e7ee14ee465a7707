-- Leads see the cases of their own teams. Run it once, as the user that cxhouse connects as, after the first publication; it stays through
-- all that follow. An administrator gives each lead the role cx_analyst and a line in bi_access.teams.
create schema if not exists bi_access;

create table if not exists bi_access.teams (
    reader name not null,
    team text not null,
    primary key (reader, team)
);

grant usage on schema bi_access to cx_analyst;
grant select on bi_access.teams to cx_analyst;

alter table cx_analysis.fct_tickets enable row level security;

create policy own_teams on cx_analysis.fct_tickets
for select to cx_analyst
using (
    exists (
        select from bi_access.teams
        where teams.reader = current_user and teams.team = fct_tickets.team
    )
);
