-- Run once, by the image of PostgreSQL, when its volume is new.
\getenv mlflow MLFLOW_DATABASE_PASSWORD
\getenv studies STUDIES_DATABASE_PASSWORD
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow';
CREATE ROLE studies LOGIN PASSWORD :'studies';
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE mlflow_auth OWNER mlflow;
CREATE DATABASE studies OWNER studies;
-- Otherwise every role may connect to every database.
REVOKE CONNECT ON DATABASE mlflow, mlflow_auth, studies FROM PUBLIC;
